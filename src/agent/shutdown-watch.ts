import { existsSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../host/host.ts'
import { isShuttingDown } from '../host/shutdown.ts'
import { watchDirectory } from '../host/store/watch-directory.ts'
import { readShutdownGrace, writeShutdownGrace } from '../state/records/shutdown-grace.ts'

/** As deploy/lunkeeper-shutdown.service has it. */
const GRACE_S = 30
/** systemd-user-sessions(8) creates it as one of the first steps of a shutdown; a scheduled shutdown does so earlier. */
const NO_LOGIN = 'nologin'

/**
 * In a container: once the host shuts down, no hold lasts longer than the grace, so that its unmounts do not wait for
 * systemd's time limits. On a host, lunkeeper-shutdown.service does that. A container engine may have made the scope so that
 * systemd does not stop it (containerd), or stop it as late as the mounts.
 * @param begun called once the grace is noted
 */
export function watchShutdown(host: Host, begun: (seconds: number) => void): Disposable {
  const { root } = host.paths
  if (root === '/') return { [Symbol.dispose]() {} }
  const directory = join(root, 'run')
  const look = async () => {
    if (readShutdownGrace(host) || !existsSync(join(directory, NO_LOGIN)) || !(await isShuttingDown(host)))
      return
    writeShutdownGrace(host, GRACE_S)
    begun(GRACE_S)
  }
  return watchDirectory(directory, (file) => {
    // What fails here is done when the agent is stopped.
    if (file === null || file === NO_LOGIN) look().catch(() => {})
  })
}

import { isLunkeeperError } from '../model/errors.ts'
import type { Program } from './exec/programs.ts'
import type { Host } from './host.ts'
import { readAttribute } from './read/attribute.ts'

/** systemd answers within milliseconds. */
const DEADLINE_MS = 3_000
const MAX_ATTEMPTS = 5

/** systemd's last program, which kills what is left and detaches devices; the kernel shortens the name (TASK_COMM_LEN). */
const LAST_PROGRAM = 'systemd-shutdown'.slice(0, 15)

const LOGIND = [
  'org.freedesktop.login1',
  '/org/freedesktop/login1',
  'org.freedesktop.login1.Manager',
] as const

/**
 * Whether the machine is shutting down. False without systemd, or if systemd does not answer. A container may be stopped
 * before its host's systemd stops units (a kubelet's graceful node shutdown delays that; logind knows), or after
 * (systemd does not know of the container: its last program, which is process 1 by then, kills it).
 */
export async function isShuttingDown(host: Host): Promise<boolean> {
  if (readAttribute(`${host.paths.proc}/1/comm`) === LAST_PROGRAM) return true
  return (
    (await answerOf(host, 'systemctl', ['is-system-running'])) === 'stopping' ||
    (await answerOf(host, 'busctl', ['get-property', ...LOGIND, 'PreparingForShutdown'])) === 'b true'
  )
}

async function answerOf(host: Host, program: Program, args: readonly string[]): Promise<string | null> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      const { stdout, signal } = await host.run(program, [...args], { deadline: DEADLINE_MS })
      // A service manager that stops this service kills the new process too, and repeats that until none is left
      // (cgroup-util.c: cg_kill).
      if (signal === null) return stdout.trim()
    } catch (error) {
      if (!isLunkeeperError(error)) throw error
      return null
    }
  }
  return null
}

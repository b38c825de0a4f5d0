import type { Host } from './host.ts'

const DEADLINE_MS = 3_000
const TRIES = 5

/**
 * Whether the machine is shutting down, according to systemd (systemctl(1): "stopping"). Unknown without systemd, or if
 * it does not answer.
 */
export async function isShuttingDown(host: Host): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      const { stdout, signal } = await host.run('systemctl', ['is-system-running'], { deadline: DEADLINE_MS })
      // A service manager or container runtime signals all processes until no new ones appear (cgroup-util.c: cg_kill).
      if (signal === null) return stdout === 'stopping'
    } catch {
      return false
    }
  }
  return false
}

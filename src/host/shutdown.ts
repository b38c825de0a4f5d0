import type { Host } from './host.ts'

/** systemd answers within milliseconds. */
const DEADLINE_MS = 3_000
const MAX_ATTEMPTS = 5

/**
 * Whether the machine is shutting down, according to systemd (systemctl(1): "stopping"). False without systemd, or if
 * systemd does not answer.
 */
export async function isShuttingDown(host: Host): Promise<boolean> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      const { stdout, signal } = await host.run('systemctl', ['is-system-running'], { deadline: DEADLINE_MS })
      // A service manager that stops this service kills the new process too, and repeats that until none is left
      // (cgroup-util.c: cg_kill).
      if (signal === null) return stdout === 'stopping'
    } catch {
      return false
    }
  }
  return false
}

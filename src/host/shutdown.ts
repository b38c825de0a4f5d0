import type { Host } from './host.ts'

const DEADLINE = 3_000
const TRIES = 5

/**
 * Whether the machine goes down, by the word of its systemd (systemctl(1): "stopping"). Without a systemd, or where
 * it does not answer, nobody knows.
 */
export async function isShuttingDown(host: Host): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      const { stdout, signal } = await host.run('systemctl', ['is-system-running'], { deadline: DEADLINE })
      // Who ends a service or container signals all of its processes until none is new (cgroup-util.c: cg_kill).
      if (signal === null) return stdout === 'stopping'
    } catch {
      return false
    }
  }
  return false
}

import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'

/** The kernel only copies an entry of its table; no device is accessed. */
const DEADLINE_MS = 30_000

/** Options of a single mount that a remount must repeat to keep (mount(2): MS_REMOUNT | MS_BIND). */
const KEPT = new Set(['nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'strictatime'])

/** Makes a directory or a file visible at a second place. @throws MOUNT_FAILED */
export async function bindMount(host: Host, source: string, point: string): Promise<void> {
  await mount(host, ['--bind', '--', source, point], point)
}

/** Makes this one mount read-only. @param options the mount's current options @throws MOUNT_FAILED */
export async function makeReadOnly(host: Host, point: string, options: readonly string[]): Promise<void> {
  const kept = options.filter((option) => KEPT.has(option))
  await mount(host, ['-o', ['remount', 'bind', 'ro', ...kept].join(','), '--', point], point)
}

async function mount(host: Host, args: readonly string[], point: string): Promise<void> {
  const ran = await host.run('mount', args, { deadline: DEADLINE_MS })
  if (ran.code !== 0)
    throw new LunkeeperError('MOUNT_FAILED', `nothing was mounted at ${point}: ${failureReason(ran)}`, {
      details: { point, mount: ran.code },
    })
}

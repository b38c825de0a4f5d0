import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'

/** The kernel only copies an entry of its mount table; no device is accessed. */
const DEADLINE_MS = 30_000

/** Options of one mount that a remount drops unless it repeats them (mount(2): MS_REMOUNT | MS_BIND). */
const KEPT_OPTIONS = new Set([
  'nosuid',
  'nodev',
  'noexec',
  'noatime',
  'nodiratime',
  'relatime',
  'strictatime',
])

/** Makes a directory or a file visible at another path. @throws MOUNT_FAILED */
export async function bindMount(host: Host, source: string, point: string): Promise<void> {
  await mount(host, ['--bind', '--', source, point], point)
}

/** Makes one mount read-only; other mounts of the file system are not affected. @param options its current options @throws MOUNT_FAILED */
export async function makeReadOnly(host: Host, point: string, options: readonly string[]): Promise<void> {
  const kept = options.filter((option) => KEPT_OPTIONS.has(option))
  await mount(host, ['-o', ['remount', 'bind', 'ro', ...kept].join(','), '--', point], point)
}

async function mount(host: Host, args: readonly string[], point: string): Promise<void> {
  const ran = await host.run('mount', args, { deadline: DEADLINE_MS })
  if (ran.code !== 0)
    throw new LunkeeperError('MOUNT_FAILED', `nothing was mounted at ${point}: ${failureReason(ran)}`, {
      details: { point, mount: ran.code },
    })
}

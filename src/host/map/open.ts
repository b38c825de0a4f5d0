import { LunkeeperError } from '../../model/errors.ts'
import { complaint } from '../exec/run.ts'
import type { Host } from '../host.ts'

/** It only asks the kernel, which answers from memory. */
const DEADLINE = 5_000

/** Names of the maps that something has open, in any namespace: a mount, a program, another map. @throws MAP_FAILED */
export async function openMaps(host: Host): Promise<ReadonlySet<string>> {
  const args = ['info', '--columns', '--noheadings', '--separator', ' ', '-o', 'name,open']
  const ran = await host.run('dmsetup', args, { deadline: DEADLINE })
  if (ran.code !== 0) throw new LunkeeperError('MAP_FAILED', `dmsetup info failed: ${complaint(ran)}`)
  return new Set(ran.stdout.split('\n').flatMap((line) => /^(\S+) [1-9]\d*$/.exec(line.trim())?.[1] ?? []))
}

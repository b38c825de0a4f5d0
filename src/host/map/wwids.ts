import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import type { Wwid } from '../../model/wwid.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

/** As for the commands of multipathd: a program that reads a disk may wait for the disk. */
const DEADLINE_MS = 30_000

/**
 * The WWIDs, as multipath-tools writes them, that were registered with it or that it has created a map for. It maps even a
 * single path of these (find_multipaths yes, strict). The path of the file is compiled in since 0.10; before, `wwids_file`
 * could set another path, which is not used in practice.
 */
export function knownWwids(host: Host): ReadonlySet<string> {
  try {
    const text = readFileSync(join(host.paths.root, 'etc/multipath/wwids'), 'utf8')
    // Lines of /WWID/; the line of a removed one starts with # (libmultipath/wwids.c).
    return new Set([...text.matchAll(/^\/(.+)\/$/gm)].map((line) => line[1]!))
  } catch {
    return new Set()
  }
}

/** A WWID as udev and multipath-tools write it: a digit for its type first, and underscores instead of blanks. */
export function multipathForm(wwid: Wwid): string {
  const [, kind, name] = /^(naa|eui|t10)\.(.*)$/s.exec(wwid) ?? [null, 'name', wwid]
  const digit = { naa: '3', eui: '2', t10: '1' }[kind] ?? '8'
  return `${digit}${name.replace(/\s+/g, '_')}`
}

/** Registers the WWID of a disk, so that multipathd maps the disk even if it is the only path. @throws MAP_FAILED */
export async function rememberWwid(host: Host, disk: string): Promise<void> {
  const ran = await host.run('multipath', ['-a', deviceNode(host, disk)], { deadline: DEADLINE_MS })
  if (ran.code !== 0) throw new LunkeeperError('MAP_FAILED', `multipath -a ${disk}: ${failureReason(ran)}`)
}

/** Unregisters a WWID, even if its disk is away or gone. @throws MAP_FAILED it is still registered */
export async function forgetWwid(host: Host, wwid: string): Promise<void> {
  const ran = await host.run('multipath', ['-w', wwid], { deadline: DEADLINE_MS })
  if (knownWwids(host).has(wwid))
    throw new LunkeeperError('MAP_FAILED', `multipath -w ${wwid}: ${failureReason(ran)}`)
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import type { Wwid } from '../../model/wwid.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

/** As for multipathd's own commands: a program that reads a disk may wait for it. */
const DEADLINE_MS = 30_000

/**
 * The WWIDs that are registered with multipath-tools, or that it once created a map for, in its own form. For these it
 * also maps a single path (find_multipaths yes, strict). The file's place is compiled in since 0.10; before,
 * `wwids_file` could name another, which is not used in practice.
 */
export function knownWwids(host: Host): ReadonlySet<string> {
  try {
    const text = readFileSync(join(host.paths.root, 'etc/multipath/wwids'), 'utf8')
    // Lines of /WWID/; a removed one starts with # (libmultipath/wwids.c).
    return new Set([...text.matchAll(/^\/(.+)\/$/gm)].map((line) => line[1]!))
  } catch {
    return new Set()
  }
}

/** How udev, and after it multipath-tools, writes a name: its type's digit first, underscores for blanks. */
export function multipathForm(wwid: Wwid): string {
  const [, kind, name] = /^(naa|eui|t10)\.(.*)$/s.exec(wwid) ?? [null, 'name', wwid]
  const digit = { naa: '3', eui: '2', t10: '1' }[kind] ?? '8'
  return `${digit}${name.replace(/\s+/g, '_')}`
}

/** Makes multipathd accept the disk as a path even if it is the only one. @throws MAP_FAILED */
export async function rememberWwid(host: Host, disk: string): Promise<void> {
  const ran = await host.run('multipath', ['-a', deviceNode(host, disk)], { deadline: DEADLINE_MS })
  if (ran.code !== 0) throw new LunkeeperError('MAP_FAILED', `multipath -a ${disk}: ${failureReason(ran)}`)
}

/** Unregisters a WWID, even if its disk is away or gone. */
export async function forgetWwid(host: Host, wwid: string): Promise<void> {
  await host.run('multipath', ['-w', wwid], { deadline: DEADLINE_MS })
}

import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { readText } from '../read/attribute.ts'
import { isMultipathdRunning } from '../read/node.ts'
import { removeDurable, writeDurable } from '../store/durable.ts'

const DEADLINE_MS = 30_000

/**
 * multipathd reads this file after all others in conf.d. A setting for a WWID overrides only the same setting of earlier
 * files: an alias that the administrator configured stays (seen with 0.9.4 and 0.11).
 */
export const MULTIPATHD_POLICY = 'etc/multipath/conf.d/zz-lunkeeper.conf'

/** multipathd's policy for one of our maps. */
export interface MapPolicy {
  /** As multipath-tools writes it ({@link multipathForm}). */
  readonly wwid: string
  /** multipath.conf(5): no_path_retry. */
  readonly noPathRetry: string
}

/** The text that multipathd has read, in the directory of runtime files: a boot starts without it. */
const APPLIED = 'multipathd-policies'

/**
 * Configures what multipathd does with our maps, and only with ours, while they have no path. Takes effect immediately.
 * If no map is left, the file is removed. After a failure or an interruption the next call has multipathd read the file
 * again, even if the file itself does not change.
 * @throws MAP_FAILED multipathd rejects the file · NO_SPACE NO_PERMISSION RECORD_UNWRITABLE
 */
export async function setMapPolicies(host: Host, policies: readonly MapPolicy[]): Promise<void> {
  const path = join(host.paths.root, MULTIPATHD_POLICY)
  const applied = join(host.places.runtime, APPLIED)
  const wanted = policies.length === 0 ? null : render(policies)
  const isWritten = wanted === readText(path)
  if (isWritten && wanted === readText(applied)) return
  if (!isWritten && wanted === null) rmSync(path, { force: true })
  else if (!isWritten && wanted !== null) {
    mkdirSync(dirname(path), { recursive: true })
    writeDurable(path, wanted)
  }
  // multipathd reads the file when it starts.
  if (!isMultipathdRunning(host.paths)) return
  const ran = await host.run('multipathd', ['reconfigure'], { deadline: DEADLINE_MS })
  if (ran.code !== 0) throw new LunkeeperError('MAP_FAILED', `multipathd reconfigure: ${failureReason(ran)}`)
  if (wanted === null) removeDurable(applied)
  else writeDurable(applied, wanted)
}

/** The policies that the file contains now, as {@link setMapPolicies} wrote them. */
export function presentMapPolicies({ paths }: Host): MapPolicy[] {
  const sections = (readText(join(paths.root, MULTIPATHD_POLICY)) ?? '').matchAll(
    /wwid "([^"\n]+)"\n\t\tno_path_retry (\S+)/g,
  )
  return [...sections].map(([, wwid, noPathRetry]) => ({ wwid: wwid!, noPathRetry: noPathRetry! }))
}

function render(policies: readonly MapPolicy[]): string {
  const sections = policies.map(
    ({ wwid, noPathRetry }) => `\tmultipath {\n\t\twwid "${wwid}"\n\t\tno_path_retry ${noPathRetry}\n\t}\n`,
  )
  return `# Made by Lunkeeper: how long I/O waits. Change it with: lunkeeper hold NAME --set 10m\nmultipaths {\n${sections.join('')}}\n`
}

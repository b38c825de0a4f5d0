import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { readText } from '../read/attribute.ts'
import { isMultipathdRunning } from '../read/node.ts'
import { writeDurable } from '../store/durable.ts'

const DEADLINE_MS = 30_000

/**
 * Read after all other files of conf.d. Its settings for a WWID override earlier ones individually: an alias configured
 * for the map stays (seen with 0.9.4 and 0.11).
 */
const PLACE = 'etc/multipath/conf.d/zz-lunkeeper.conf'

/** multipathd's policy for one of our maps. */
export interface MapPolicy {
  /** In multipath-tools' form. */
  readonly wwid: string
  readonly noPathRetry: string
}

/**
 * Configures multipathd's behaviour without a path for our maps only; it takes effect immediately. If no map is left,
 * the file is removed.
 * @throws MAP_FAILED multipathd rejects it · NO_SPACE NO_PERMISSION RECORD_UNWRITABLE
 */
export async function setMapPolicies(host: Host, policies: readonly MapPolicy[]): Promise<void> {
  const path = join(host.paths.root, PLACE)
  const wanted = policies.length === 0 ? null : render(policies)
  if (wanted === readText(path)) return
  if (wanted === null) rmSync(path, { force: true })
  else {
    mkdirSync(dirname(path), { recursive: true })
    writeDurable(path, wanted)
  }
  if (!isMultipathdRunning(host.paths)) return
  const ran = await host.run('multipathd', ['reconfigure'], { deadline: DEADLINE_MS })
  if (ran.code !== 0) throw new LunkeeperError('MAP_FAILED', `multipathd reconfigure: ${failureReason(ran)}`)
}

function render(policies: readonly MapPolicy[]): string {
  const sections = policies.map(
    ({ wwid, noPathRetry }) => `\tmultipath {\n\t\twwid "${wwid}"\n\t\tno_path_retry ${noPathRetry}\n\t}\n`,
  )
  return `# Made by Lunkeeper: how long I/O waits. Change it with: lunkeeper hold NAME --set 10m\nmultipaths {\n${sections.join('')}}\n`
}

import { multipathForm } from '../../host/map/wwids.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { NodeCheck } from '../check.ts'
import type { NodeFacts } from '../facts.ts'
import type { Finding } from '../finding.ts'

export const multipathTakes: NodeCheck = {
  name: "multipathd's configuration",
  node: ({ facts, records }) => judgeMultipath(facts.multipathd, records),
}

/** Values of find_multipaths with which a single path is mapped (multipath.conf(5)). */
const TAKES_SINGLE = new Set(['no', 'off', 'greedy'])

/**
 * The udev rules for disks of hold maps remove the properties by which multipathd accepts a disk. It can still take
 * a disk if the rules are missing, or if it is configured to accept disks by another property.
 */
export function judgeMultipath(
  { isRunning, isKeptOff, findMultipaths, property, wwids }: NodeFacts['multipathd'],
  records: readonly Pick<Attachment, 'name' | 'mode' | 'phase' | 'identity'>[],
): Finding[] {
  const held = records.filter(({ mode, phase }) => mode === 'map' && phase === 'ready')
  if (!isRunning || held.length === 0) return []
  const isGreedy = TAKES_SINGLE.has(findMultipaths ?? '')
  const taken = held.filter(
    ({ identity }) => isGreedy || (identity?.wwid && wwids.has(multipathForm(identity.wwid))),
  )
  const isOpen = !isKeptOff || (property !== null && !isOnlyIdents(property))
  if (taken.length === 0 || !isOpen) return []
  const how = isGreedy
    ? `find_multipaths is ${findMultipaths}`
    : 'their WWIDs are registered with multipath-tools'
  const why = isKeptOff
    ? `blacklist_exceptions accepts disks by property "${property}"`
    : 'the udev rules that keep it off are not in place'
  return [
    {
      code: 'MULTIPATH_TAKES',
      severity: 'warning',
      subject: 'multipathd',
      message: `it would make maps of the disks below hold maps (${taken.length}): ${how}, and ${why}`,
      evidence: { volumes: taken.map(({ name }) => name), findMultipaths, property, isKeptOff },
      fix: isKeptOff
        ? 'Remove that property from blacklist_exceptions in multipath.conf, then: multipathd reconfigure'
        : 'Restart the agent: systemctl restart lunkeeper. It writes the rules again.',
    },
  ]
}

/** The default `(SCSI_IDENT_|ID_WWN)`, or a part of it. */
function isOnlyIdents(property: string): boolean {
  const words = property.replace(/[()^]/g, '').split('|')
  return words.every((word) => word.startsWith('SCSI_IDENT_') || word.startsWith('ID_WWN'))
}

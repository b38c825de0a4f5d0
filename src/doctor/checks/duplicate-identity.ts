import type { Attachment } from '../../model/attachment.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

export const duplicateIdentity: NodeCheck = {
  name: 'identities of disks',
  node: ({ snapshot, records }) => judgeIdentities(snapshot.disks, snapshot.sessions, records),
}

type Disk = Pick<ScsiDisk, 'name' | 'sid' | 'bytes' | 'cached' | 'hctl'>

interface Placed {
  readonly disk: Disk
  readonly iqn: string
  /** Paths of one volume have the same LUN of the same target. */
  readonly place: string
  readonly isOurs: boolean
}

/**
 * Disks with the same WWID that cannot be one volume, because their serials or sizes differ: multipathd would make
 * one map of them. Also disks with the same serial, if a volume of ours is identified only by its serial.
 */
export function judgeIdentities(
  disks: readonly Disk[],
  sessions: readonly Pick<Session, 'sid' | 'iqn'>[],
  records: readonly Pick<Attachment, 'name' | 'request' | 'identity'>[],
): Finding[] {
  const iqns = new Map(sessions.map(({ sid, iqn }) => [sid, iqn]))
  const ours = new Set(records.map(({ request }) => `${request.iqn} ${request.lun}`))
  const placed = disks.flatMap((disk): Placed[] => {
    const iqn = iqns.get(disk.sid)
    const place = `${iqn} ${disk.hctl.lun}`
    return iqn === undefined ? [] : [{ disk, iqn, place, isOurs: ours.has(place) }]
  })
  const byWwid = Map.groupBy(
    placed.filter(({ disk }) => disk.cached.wwid !== null),
    ({ disk }) => disk.cached.wwid!.toLowerCase(),
  )
  const bySerial = Map.groupBy(
    placed.filter(({ disk }) => disk.cached.serial !== null),
    ({ disk }) => disk.cached.serial!,
  )
  const wwids = [...byWwid].flatMap(([wwid, group]) => {
    const differ = isSeveral(group)
    return differ === null ? [] : [finding(`WWID ${wwid}`, `the ${differ} differ`, group)]
  })
  const serials = records.flatMap(({ identity, request }) => {
    if (identity === null || identity.wwid !== null || identity.serial === null) return []
    const others = (bySerial.get(identity.serial) ?? []).filter(
      ({ place }) => place !== `${request.iqn} ${request.lun}`,
    )
    const own = placed.filter(({ place }) => place === `${request.iqn} ${request.lun}`)
    if (others.length === 0 || own.length === 0) return []
    return [finding(`serial ${identity.serial}`, 'nothing else tells them apart', [...own, ...others])]
  })
  return [...wwids, ...serials]
}

/** @returns what differs between two places; null if they may be one volume */
function isSeveral(group: readonly Placed[]): 'serials' | 'sizes' | null {
  const [first] = group
  if (!first || group.every(({ place }) => place === first.place)) return null
  const several = (values: readonly unknown[]) => new Set(values).size > 1
  if (several(group.flatMap(({ disk }) => disk.cached.serial ?? []))) return 'serials'
  // A path that cannot be used now (ALUA) has no size; a path that has not been rescanned shares its place with
  // others.
  const sizes = group.flatMap(({ disk, place }) => (disk.bytes > 0 ? [{ place, bytes: disk.bytes }] : []))
  const perPlace = Map.groupBy(sizes, ({ place }) => place)
  const [one, ...rest] = [...perPlace.values()].map((same) => new Set(same.map(({ bytes }) => bytes)))
  return one && rest.some((other) => [...other].every((bytes) => !one.has(bytes))) ? 'sizes' : null
}

/** How many are named in a message; the evidence lists all. */
const MAX_NAMED = 4

function finding(subject: string, why: string, group: readonly Placed[]): Finding {
  const names = group.map(({ disk, place }) => `${disk.name ?? 'a disk'} (${place.replace(' ', ' LUN ')})`)
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : ''
  return {
    code: 'DUPLICATE_IDENTITY',
    severity: group.some(({ isOurs }) => isOurs) ? 'critical' : 'warning',
    subject,
    message: `several volumes have it: ${names.slice(0, MAX_NAMED).join(', ')}${more}; ${why}`,
    evidence: {
      disks: group.map(({ disk, iqn }) => ({
        disk: disk.name,
        iqn,
        lun: disk.hctl.lun,
        wwid: disk.cached.wwid,
        serial: disk.cached.serial,
        bytes: disk.bytes,
      })),
    },
    fix: 'Give each volume an identity of its own on the storage system. Do not let multipathd use them until then: it makes one map of disks with one WWID.',
  }
}

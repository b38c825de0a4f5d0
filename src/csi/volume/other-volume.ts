import { isIP } from 'node:net'

import type { Attachment } from '../../model/attachment.ts'
import { asAsked } from '../../model/attachment.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal, samePortal } from '../../model/portal.ts'
import { sameWwid } from '../../model/wwid.ts'
import type { VolumeSource } from './attributes.ts'

/**
 * Why a call's volume_context means another volume than the one staged under its volume_id; null if it is the same. A
 * kubelet distinguishes volumes only by volumeHandle: a PersistentVolume that was copied with its handle is never
 * staged, and its pods would get the first one's data (pkg/volume/csi: GetVolumeName).
 */
export function otherVolume(
  existing: Attachment,
  source: Pick<VolumeSource, 'iqn' | 'lun' | 'portals' | 'expected'>,
): string | null {
  const { request, identity } = existing
  const { iqn, lun, portals, expected } = source
  const staged = asAsked(existing)
  if (iqn !== staged.iqn) return `its target is ${staged.iqn}, not ${iqn}`
  if (lun !== staged.lun) return `it is LUN ${staged.lun}, not ${lun}`
  const wwid = identity?.wwid ?? request.expected.wwid
  if (expected.wwid && wwid && !sameWwid(expected.wwid, wwid))
    return `its WWID is ${wwid}, not ${expected.wwid}`
  const serial = identity?.serial ?? request.expected.serial
  if (expected.serial && serial && serial !== expected.serial)
    return `its serial is ${serial}, not ${expected.serial}`
  return otherPortals(request.portals, portals)
}

/**
 * Two arrays may use one target name. A record contains addresses, and a host name in the volume_context may resolve to
 * another one by now, so only a list without host names proves that it is another array.
 */
function otherPortals(staged: readonly Portal[], asked: readonly Portal[]): string | null {
  const isKnown = (portal: Portal) => staged.some((one) => samePortal(one, portal))
  if (asked.length === 0 || asked.some((portal) => isIP(bare(portal.host)) === 0 || isKnown(portal)))
    return null
  const list = (portals: readonly Portal[]) => portals.map(formatPortal).join(', ')
  return `its portals are ${list(staged)}, not ${list(asked)}`
}

/** Without the zone of a link-local address. */
const bare = (host: string) => host.split('%')[0]!

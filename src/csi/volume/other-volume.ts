import { isIP } from 'node:net'

import type { Attachment } from '../../model/attachment.ts'
import { asAsked } from '../../model/attachment.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal, samePortal } from '../../model/portal.ts'
import { sameWwid } from '../../model/wwid.ts'
import type { VolumeSource } from './attributes.ts'

/**
 * Why the volume_context of a call describes a volume other than the one staged under its volume_id; null if it is the same.
 * A kubelet distinguishes volumes by volumeHandle only: a PersistentVolume that was copied with its handle is never staged,
 * and its pods would get the data of the original (pkg/volume/csi: GetVolumeName).
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
 * Why the portals are those of another array; two arrays may use one target name. A host name may resolve to a new address
 * of the same array, so only a list without host names proves that the array is another one.
 */
function otherPortals(staged: readonly Portal[], asked: readonly Portal[]): string | null {
  const isKnown = (portal: Portal) => staged.some((one) => samePortal(one, portal))
  if (asked.length === 0 || asked.some((portal) => isIP(bare(portal.host)) === 0 || isKnown(portal)))
    return null
  const list = (portals: readonly Portal[]) => portals.map(formatPortal).join(', ')
  return `its portals are ${list(staged)}, not ${list(asked)}`
}

/** The address without the zone of a link-local address. */
const bare = (host: string) => host.split('%')[0]!

import { readReservations } from '../../host/disk/reservations.ts'
import { readNodeTag } from '../../host/read/node-tag.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Registrant } from '../../model/reservation.ts'
import { formatKey, isLunkeeperKey, nodeOfKey } from '../../model/reservation.ts'
import { isUp, lookAtAttachment } from '../../state/view/volume.ts'
import type { VolumeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

/** Detected only if the target supports READ FULL STATUS and the other node has a registration for this volume. */
export const initiatorShared: VolumeCheck = {
  name: "the initiator's name",
  async volume({ host, facts: { initiator } }, { record, status }) {
    if (!record.fence || status.state !== 'ready' || initiator === null) return []
    const disk = lookAtAttachment(host, record).sessions.find(isUp)?.disk
    if (!disk?.sg) return []
    try {
      const told = await readReservations(host, disk)
      // What this attachment registered belongs to this node, even if its machine ID has changed since.
      const { key } = record.fence
      const registrants = (told?.registrants ?? []).filter((one) => one.key !== key)
      return judgeInitiators(record.name, initiator, readNodeTag(host.paths), registrants)
    } catch (error) {
      // Other checks report whether it answers.
      if (isLunkeeperError(error, 'TARGET_AWAY')) return []
      throw error
    }
  },
}

/**
 * Another node is registered under this node's initiator name: the target takes both for one node, so that
 * reservations keep neither of them out, and one may end the other's session.
 * @param tag of this node, as it appears in its keys
 */
export function judgeInitiators(
  volume: string,
  initiator: string,
  tag: string,
  registrants: readonly Registrant[],
): Finding[] {
  const others = registrants.filter(
    ({ key, initiator: theirs }) =>
      theirs?.toLowerCase() === initiator.toLowerCase() && isLunkeeperKey(key) && nodeOfKey(key) !== tag,
  )
  if (others.length === 0) return []
  return [
    {
      code: 'INITIATOR_SHARED',
      severity: 'critical',
      subject: volume,
      message: `another node, or this one before its machine ID changed, has registered as ${initiator}, this node's initiator name: the target treats both as one`,
      evidence: { initiator, keys: others.map(({ key }) => formatKey(key)) },
      fix: 'Give one of the nodes another name: iscsi-iname, then InitiatorName in /etc/iscsi/initiatorname.iscsi, and restart iscsid. If this machine was cloned, do it here.',
    },
  ]
}

import type { FullReservations } from '../../host/disk/reservations.ts'
import { initiatorOf } from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import { readNodeTag } from '../../host/read/node-tag.ts'
import type { Attachment } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { ClaimStep } from '../../model/plan/owner.ts'
import type { ReservationKey } from '../../model/reservation.ts'
import { formatKey, isLunkeeperKey, nodeOfKey } from '../../model/reservation.ts'

export type ClaimRefusal = Extract<ClaimStep, { kind: 'elsewhere' | 'foreign' | 'beside' | 'contended' }>

/**
 * Whether a key is of an earlier attachment of this very node. If the target reports which initiator registered it, that
 * has to be this one: a copy of this machine may have the same key.
 */
export function isOfThisNode(
  host: Host,
  told: FullReservations | null,
  key: ReservationKey,
  initiator: string | null,
): boolean {
  if (!isLunkeeperKey(key) || nodeOfKey(key) !== readNodeTag(host.paths)) return false
  const names = (told?.registrants ?? []).flatMap((one) => (one.key === key ? [one.initiator] : []))
  return names.every((name) => name === null || name.toLowerCase() === initiator?.toLowerCase())
}

/** Why a volume is not to be had, and what to do. */
export function claimRefusal(
  { name, request }: Attachment,
  step: ClaimRefusal,
  told: FullReservations | null,
): LunkeeperError {
  if (step.kind === 'contended')
    return new LunkeeperError(
      'OWNED_ELSEWHERE',
      `${name}: other nodes are claiming the volume at the same time`,
      {
        hint: 'Attach it on one node at a time.',
      },
    )
  const who = registrantName(told, step.key)
  const details = { key: step.key, initiator: initiatorOf(told, step.key) }
  if (step.kind === 'foreign')
    return new LunkeeperError(
      'OWNED_ELSEWHERE',
      `${name}: other software has registered reservation keys for the volume: ${who}. The volume is left unchanged`,
      {
        hint: 'A cluster manager (fence_scsi, Windows failover clusters, Oracle) may be using it: remove it there first. If several nodes are meant to use it at once: --shared.',
        details,
      },
    )
  if (step.kind === 'beside')
    return new LunkeeperError(
      'OWNED_ELSEWHERE',
      `${name}: another node may have the volume: ${who} is registered beside this node`,
      {
        hint: "Detach it there first. If it is not in use there: --take-over; that node's unwritten data is lost.",
        details,
      },
    )
  return new LunkeeperError('OWNED_ELSEWHERE', `${name}: another node has the volume: ${who}`, {
    hint: request.use.readOnly
      ? 'Detach it there first. Mounting it read-only while another node writes shows inconsistent data. For a cluster file system: --shared.'
      : `Detach it there first. If that node is dead or permanently cut off: --take-over; its unwritten data is then lost.`,
    details,
  })
}

/** Why a volume that this node had is not attached again automatically: another node or other software has it. */
export function lostMeanwhile(
  { name }: Attachment,
  { key }: Exclude<ClaimRefusal, { kind: 'contended' }>,
  told: FullReservations | null,
): LunkeeperError {
  return new LunkeeperError(
    'FENCED',
    `${name}: this node has lost the volume: ${registrantName(told, key)} has it`,
    { details: { holder: initiatorOf(told, key), key } },
  )
}

/** Why a volume for several writers is not to be had: one node has reserved it for itself. */
export function reservedForOne(
  { name }: Attachment,
  key: ReservationKey,
  told: FullReservations | null,
): LunkeeperError {
  return new LunkeeperError(
    'OWNED_ELSEWHERE',
    `${name}: one node has reserved the volume, so that no other can write to it: ${registrantName(told, key)}`,
    {
      hint: 'Detach it there. If that node is dead: attach the volume here without --shared and with --take-over, and detach it again.',
      details: { key, initiator: initiatorOf(told, key) },
    },
  )
}

/** `iqn.… (key 0x…)` */
export function registrantName(told: FullReservations | null, key: ReservationKey): string {
  const initiator = initiatorOf(told, key)
  return initiator === null ? `key ${formatKey(key)}` : `${initiator} (key ${formatKey(key)})`
}

import { createHash, randomBytes } from 'node:crypto'

import type { FullReservations } from '../../host/disk/reservations.ts'
import {
  claimFree,
  initiatorOf,
  preempt,
  readReservations,
  registerKey,
  reserve,
} from '../../host/disk/reservations.ts'
import { refuseProtected } from '../../host/fs/protect.ts'
import type { Host } from '../../host/host.ts'
import { findHoldMap } from '../../host/map/hold-map.ts'
import { readInitiatorName } from '../../host/read/node.ts'
import { readNodeTag } from '../../host/read/node-tag.ts'
import type { Attachment, Publication } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { ClaimFacts } from '../../model/plan/owner.ts'
import { nextClaimStep } from '../../model/plan/owner.ts'
import { hasOneWriter } from '../../model/request.ts'
import type { Registration, ReservationKey } from '../../model/reservation.ts'
import { formatKey, isLunkeeperKey, makeKey, nodeOfKey } from '../../model/reservation.ts'
import { askReservations, confirmAgain, giveUpKey } from '../../state/proof/owner.ts'
import { proveDisks } from '../../state/proof/prove.ts'
import { forgetRegistered, noteRegistered } from '../../state/records/registrations.ts'
import { devicesOf, disksOf, lookAtAttachment } from '../../state/view/volume.ts'
import { mountsOf } from '../../state/view/users.ts'
import type { Stepper } from '../step.ts'
import type { Path } from './path.ts'
import { refuseUnusable } from './usable.ts'

export interface ClaimWork {
  readonly host: Host
  readonly record: Attachment
  readonly paths: readonly Path[]
  /** Sessions in which this attach has made the disk. */
  readonly scanned: ReadonlySet<number>
  readonly steps: Stepper
  readonly note: (change: Partial<Attachment>) => void
  /** The VolumeAttachment by which Kubernetes gave the volume to this node now; the record may have a former one. */
  readonly publication?: Publication | undefined
  /** Take the volume from another node. */
  readonly takesOver: boolean
  /** Not by a person or an orchestrator: the record alone does not make it this node's. */
  readonly isAutomatic: boolean
  /** Asked immediately before that: throws if it is no longer allowed. */
  readonly confirmTakeOver?: (() => Promise<void>) | undefined
  /** Called when it was taken from another node. */
  readonly taken?: () => void
}

/**
 * Makes this node the only one that may write to the volume, where its target has persistent reservations: registers every
 * path's session, and reserves. A volume that is in use here already must still be this node's: it is not claimed from
 * a node that has taken it meanwhile.
 * @throws OWNED_ELSEWHERE another node or other software has it · FENCED OWNER_UNKNOWN it was this node's ·
 *   WRITE_PROTECTED · TARGET_AWAY STUCK
 */
export async function claimVolume(work: ClaimWork): Promise<void> {
  const { host } = work
  const { request } = work.record
  // If a detach began to give it back, and did not end, it counts again.
  const fence = work.record.fence && { key: work.record.fence.key, persists: work.record.fence.persists }
  if (work.record.fence?.isReleasing) work.note({ fence })
  const { shared = false, use, fence: mode } = request
  const isReserved = hasOneWriter(request) && mode !== 'off'
  const disks = work.paths.map(({ disk }) => disk)
  const isUsed = isInUse(work)
  // Its dirty pages are from the time of the former VolumeAttachment. A new one does not say who had the volume in between.
  const isDecided =
    isUsed && !use.readOnly && (isReserved || isPublishedAgain(work))
      ? await proveOrTake(work, fence, disks)
      : false
  const record = published(work)
  if (use.readOnly && !shared && mode !== 'off') return refuseWriter(work)
  if (!isReserved) return
  // A volume attached without a reservation (older version, other target setting) is reserved now.
  if (isUsed && fence && !isDecided) return
  // A target that lets a node only read does not let it register either.
  refuseProtected(host, disks[0]!.name)
  const claimed = await claimBy({ ...work, record }, disks[0]!)
  if (claimed === null) {
    if (fence) work.note({ fence: undefined })
    return
  }
  // Registers the other sessions, and reads back by every path: two may lead to two volumes that the array takes for one.
  if (disks.length > 1) await proveDisks(host, { ...record, fence: claimed }, disks)
}

/**
 * Proves that a volume in use is this node's. Where nothing tells, a person who takes the volume over says so.
 * @returns whether a person has decided, so that it is to be claimed
 */
async function proveOrTake(
  { host, record, takesOver, publication }: ClaimWork,
  fence: Registration | undefined,
  disks: readonly Path['disk'][],
): Promise<boolean> {
  try {
    await proveDisks(host, { ...record, fence }, disks)
    return false
  } catch (error) {
    const isUndecided = isLunkeeperError(error, 'OWNER_UNKNOWN')
    if (!isUndecided || !takesOver || publication || record.publication) throw error
    return true
  }
}

/** Whether Kubernetes has attached the volume to this node again since it was attached here. */
function isPublishedAgain({ record, publication }: ClaimWork): boolean {
  return publication !== undefined && publication.uid !== record.publication?.uid
}

/** The record, with the VolumeAttachment that the volume has now. */
function published(work: ClaimWork): Attachment {
  const { record, publication, note } = work
  if (!isPublishedAgain(work)) return record
  note({ publication })
  return { ...record, publication }
}

/**
 * Something of this node may have written, or be about to: a map, a mount, or a raw disk that a program may have open. Not a
 * disk that this attach has made, as after a reboot: nothing older waits on it.
 */
function isInUse({ host, record, scanned }: ClaimWork): boolean {
  if (findHoldMap(host, record.name)) return true
  const view = lookAtAttachment(host, record)
  const disks = disksOf(view)
  if (devicesOf(view.maps, disks).some((device) => mountsOf(host, device).length > 0)) return true
  const isHandedOut = record.phase === 'ready' && record.request.use.mount === null
  return isHandedOut && disks.some(({ sid }) => !scanned.has(sid))
}

/** @returns null where the target has no persistent reservations */
async function claimBy(work: ClaimWork, disk: Path['disk']): Promise<Registration | null> {
  const { host, record, steps, note } = work
  const initiator = readInitiatorName(host.paths)
  const key = keyFor(host, record)
  let told: FullReservations | null = null
  let known = { isUnsupported: false, isRegistered: false, hasReserved: false, conflicts: 0 }
  let persists = false
  const isOwn = (other: ReservationKey) => isOfThisNode(host, told, other, initiator)
  const isOthers = (other: ReservationKey | undefined) =>
    other !== undefined && other !== key && !isOwn(other)
  // Its own reservation may be an old one: the node that is registered beside it may have the volume.
  const isDisputed = () => told !== null && told.holder !== null && !known.hasReserved
  let mayBeTaken = false
  const mayTake = async () => {
    if (mayBeTaken) return
    try {
      await refuseUseless(work)
    } catch (error) {
      const isLeft = known.isRegistered && !(await giveUpKey(host, record, { key, persists }, disk))
      note({ fence: isLeft ? { key, persists } : record.fence })
      throw error
    }
    mayBeTaken = true
  }
  for (;;) {
    const facts: ClaimFacts = { told, key, isOwn, takesOver: work.takesOver, ...known }
    const step = nextClaimStep(facts)
    switch (step.kind) {
      case 'read':
        told = await read(work, disk)
        known = { ...known, isUnsupported: told === null }
        if (work.isAutomatic && told !== null && !known.isRegistered) {
          const isConfirmed = await confirmAgain(host, record, told, disk, record.mark)
          // What another node has registered beside it is left over.
          if (isConfirmed) known = { ...known, hasReserved: true }
        }
        break
      case 'register': {
        const { keys, holder, capabilities } = told!
        // Before: the agent of the node that has it removes what is registered beside it.
        if (isOthers(holder?.key) || (isDisputed() && keys.some(isOthers))) await mayTake()
        if (known.isRegistered) known = { ...known, conflicts: known.conflicts + 1 }
        // Noted before: what is registered is known by its record, whenever this ends. It persists once that is seen.
        note({ fence: { key, persists: false } })
        forgetRegistered(host, record.name)
        const { canPersist } = capabilities
        const isFree = holder === null && keys.length === 0
        const claimed = isFree ? await claimAtOnce(work, disk, key, canPersist) : null
        persists = claimed ? claimed.persists : await register(work, disk, key, canPersist)
        told = claimed?.told ?? null
        const hasReserved = known.hasReserved || told?.holder?.key === key
        known = { ...known, isRegistered: true, hasReserved }
        break
      }
      case 'reserve':
        if (await steps.step('reserve', disk.name, () => reserve(host, disk, key)))
          known = { ...known, hasReserved: true }
        else known = { ...known, conflicts: known.conflicts + 1 }
        told = null
        break
      case 'preempt': {
        const other = step.key
        const isTaken = isOthers(other) && (told!.holder?.key === other || isDisputed())
        if (isTaken) {
          await mayTake()
          steps.warn(
            `the volume is taken from ${nameOf(told, other)}: what that node has not written is lost`,
          )
        } else if (isOthers(other))
          steps.warn(`${nameOf(told, other)} is registered beside this node, and could write: it is removed`)
        const subject = `${disk.name} ${formatKey(other)}`
        const isDone = await steps.step('preempt', subject, () => preempt(host, disk, key, other))
        if (!isDone) known = { ...known, conflicts: known.conflicts + 1 }
        else if (isTaken) work.taken?.()
        if (isDone && told!.holder?.key === other) known = { ...known, hasReserved: true }
        told = null
        break
      }
      case 'unguarded':
        return null
      case 'done': {
        const fence: Registration = { key, persists }
        note({ fence })
        noteRegistered(host, record.name, key, disk.sid)
        return fence
      }
      case 'beside':
        // Its own key stays: the reservation may be this node's, and a person says who has the volume.
        throw refusal(work, step, told)
      case 'elsewhere':
      case 'foreign':
      case 'contended': {
        const isKnown = known.isRegistered || told?.keys.includes(key)
        const isLeft = isKnown && !(await giveUpKey(host, record, { key, persists }, disk))
        const error = refusal(work, step, told)
        note({ fence: isLeft ? { key, persists } : undefined })
        throw error
      }
    }
  }
}

/** Both steps in one call, where no node has the volume. @returns as {@link claimFree} */
function claimAtOnce(
  { host, steps }: ClaimWork,
  disk: Path['disk'],
  key: ReservationKey,
  canPersist: boolean,
): ReturnType<typeof claimFree> {
  return steps.step('register', `${disk.name} ${formatKey(key)}`, () =>
    steps.step('reserve', disk.name, () => claimFree(host, disk, key, canPersist)),
  )
}

/** @returns as {@link registerKey}. A registration that the target refused is not one that this node has to give back. */
async function register(
  { host, record, steps, note }: ClaimWork,
  disk: Path['disk'],
  key: ReservationKey,
  canPersist: boolean,
): Promise<boolean> {
  try {
    return await steps.step('register', `${disk.name} ${formatKey(key)}`, () =>
      registerKey(host, disk, key, canPersist),
    )
  } catch (error) {
    const told = await askReservations(host, disk)
    if (!record.fence && typeof told !== 'string' && !told.keys.includes(key)) note({ fence: undefined })
    throw error
  }
}

/**
 * Refuses to take a volume from another node if the attach would fail for a reason that can be known now, or if that is no longer
 * allowed.
 */
async function refuseUseless({ host, record, paths, confirmTakeOver }: ClaimWork): Promise<void> {
  await refuseUnusable(host, record, paths[0]!)
  await confirmTakeOver?.()
}

/**
 * A node that cannot send the commands uses the volume without a guard, and says so; not one that has registered for it before,
 * nor one that would read what another node writes.
 */
async function read(
  { host, record, steps }: ClaimWork,
  disk: Path['disk'],
): Promise<FullReservations | null> {
  try {
    return await readReservations(host, disk)
  } catch (error) {
    const isNeeded = record.fence !== undefined || record.request.use.readOnly
    if (isNeeded || !isLunkeeperError(error, 'MODULE_MISSING')) throw error
    steps.warn(`${error.message}: the volume is not reserved for this node (${error.hint})`)
    return null
  }
}

/** The key that this node had before, where it still has it: after a reboot. A volume that was published again has a new one. */
function keyFor(host: Host, { fence, publication }: Attachment): ReservationKey {
  const epoch = publication
    ? createHash('sha256').update(publication.uid).digest('hex').slice(0, 4)
    : (fence?.key.slice(-4) ?? randomBytes(2).toString('hex'))
  return makeKey(readNodeTag(host.paths), epoch)
}

/**
 * Whether a key is of an earlier attachment of this very node. Where the target tells which initiator registered it, that
 * has to be this one: a copy of this machine may have the same key.
 */
function isOfThisNode(
  host: Host,
  told: FullReservations | null,
  key: ReservationKey,
  initiator: string | null,
): boolean {
  if (!isLunkeeperKey(key) || nodeOfKey(key) !== readNodeTag(host.paths)) return false
  const names = (told?.registrants ?? []).flatMap((one) => (one.key === key ? [one.initiator] : []))
  return names.every((name) => name === null || name.toLowerCase() === initiator?.toLowerCase())
}

/** Refuses a read-only attach while another node may write: its reads would be inconsistent. @throws OWNED_ELSEWHERE */
async function refuseWriter(work: ClaimWork): Promise<void> {
  const { host, paths } = work
  const told = await read(work, paths[0]!.disk)
  const holder = told?.holder?.key
  if (holder === undefined || isOfThisNode(host, told, holder, readInitiatorName(host.paths))) return
  throw refusal(work, { kind: 'elsewhere', key: holder }, told)
}

function refusal(
  { record: { name, request } }: ClaimWork,
  step: { kind: 'elsewhere' | 'foreign' | 'beside'; key: ReservationKey } | { kind: 'contended' },
  told: FullReservations | null,
): LunkeeperError {
  if (step.kind === 'contended')
    return new LunkeeperError('OWNED_ELSEWHERE', `${name}: other nodes claim the volume at the same moment`, {
      hint: 'Attach it on one node at a time.',
    })
  const who = nameOf(told, step.key)
  const details = { key: step.key, initiator: initiatorOf(told, step.key) }
  if (step.kind === 'foreign')
    return new LunkeeperError(
      'OWNED_ELSEWHERE',
      `${name}: other software has registered reservation keys for the volume: ${who}. It is left as it is`,
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
        hint: 'Detach it there first. If it is not in use there: --take-over; what that node has not written is lost.',
        details,
      },
    )
  return new LunkeeperError('OWNED_ELSEWHERE', `${name}: another node has the volume: ${who}`, {
    hint: request.use.readOnly
      ? 'Detach it there first. Mounting it read-only while another node writes shows inconsistent data. For a cluster file system: --shared.'
      : `Detach it there first. If that node is dead or cut off for good: --take-over; what it has not written then is lost.`,
    details,
  })
}

/** `iqn.… (key 0x…)` */
function nameOf(told: FullReservations | null, key: ReservationKey): string {
  const initiator = initiatorOf(told, key)
  return initiator === null ? `key ${formatKey(key)}` : `${initiator} (key ${formatKey(key)})`
}

import type { Registration, ReservationHolder, ReservationKey, Reservations } from '../reservation.ts'
import { isLunkeeperKey } from '../reservation.ts'

/**
 * What the reservations of a volume say about this node.
 *
 * `held`: its key holds the reservation. `unclaimed`: there is no registration, or no reservation: the target lost
 * it (a restart without APTPL, a LUN that was mapped again), or it was removed. `lost`: another node or other
 * software holds it. `unknown`: the target does not report it now.
 */
export type ReservationVerdict =
  /** @property beside the key of another node that is also registered; null if there is none */
  | { readonly kind: 'held'; readonly beside: ReservationKey | null }
  | { readonly kind: 'unclaimed' | 'unknown' }
  | { readonly kind: 'lost'; readonly holder: ReservationKey }

/** The verdict for a node that has registered `fence`. @param told null if the target does not answer */
export function reservationVerdict(told: Reservations | null, fence: Registration): ReservationVerdict {
  if (told === null) return { kind: 'unknown' }
  const { keys, holder } = told
  const other = keys.find((key) => key !== fence.key)
  if (holder?.key === fence.key) return { kind: 'held', beside: other ?? null }
  if (holder) return { kind: 'lost', holder: holder.key }
  // There is no reservation. A registered node is about to make one: as this node's key is gone, that node took the
  // volume.
  if (other !== undefined && !keys.includes(fence.key)) return { kind: 'lost', holder: other }
  return { kind: 'unclaimed' }
}

/** What witnesses other than the target's reservations say about this node's ownership of a volume. */
export interface Witnesses {
  /** The target would have kept a reservation over its own restart. */
  readonly persists: boolean
  /**
   * The volume's VolumeAttachment. `mine`: it exists, with the uid that the volume was staged under. `gone`: it
   * does not exist, or is being deleted. `unreachable`: the API server does not answer. `none`: the volume has
   * none.
   */
  readonly kubernetes: 'mine' | 'gone' | 'unreachable' | 'none'
  /**
   * The file system's own mark. `same`: it was last mounted by this node's mount. `changed`: another node has
   * mounted or checked it since. `unreadable`: it has one, but it cannot be read now. `none`: there is no mount of
   * ours, or its file system has no mark.
   */
  readonly mark: 'same' | 'changed' | 'unreadable' | 'none'
}

/** `own`: continue. `lost`: another node has had it. `wait`: it cannot be determined now, so nothing is written. */
export interface Judgement {
  readonly verdict: 'own' | 'lost' | 'wait'
  readonly why: string
}

/** Conditions, and the judgement if all of them hold. */
type Rule = readonly [Partial<Witnesses>, Judgement]

/** The first matching row counts (`docs/ownership.md` shows the same table). */
const RULES: readonly Rule[] = [
  [{ kubernetes: 'gone' }, { verdict: 'lost', why: 'Kubernetes has given the volume away' }],
  [
    { mark: 'changed' },
    { verdict: 'lost', why: 'another node has mounted or checked its file system since' },
  ],
  [{ kubernetes: 'unreachable' }, { verdict: 'wait', why: 'the Kubernetes API does not answer' }],
  [{ mark: 'unreadable' }, { verdict: 'wait', why: 'the superblock of its file system cannot be read now' }],
  [{ kubernetes: 'mine' }, { verdict: 'own', why: 'its VolumeAttachment is this node’s' }],
  [{ mark: 'same' }, { verdict: 'own', why: 'its file system was last mounted by this node' }],
]

/** For a target without a reservation, when no other witness decides: the target lost it, or it was removed. */
const RULES_IF_UNCLAIMED: readonly Rule[] = [
  ...RULES,
  [
    { persists: true },
    {
      verdict: 'wait',
      why: 'its reservation was removed, although the target keeps reservations across restarts, and no other source shows which node owns it',
    },
  ],
  [{}, { verdict: 'own', why: 'this node’s record says so, and nothing contradicts it' }],
]

/** For a node that holds the reservation while another node is registered beside it, when no other witness decides. */
const RULES_IF_CONTESTED: readonly Rule[] = [
  ...RULES,
  [
    {},
    {
      verdict: 'wait',
      why: 'another node is registered beside it, and no other source shows which node owns it',
    },
  ],
]

/** Whether a node may continue with, and claim again, a volume that has no reservation. */
export function judgeUnclaimed(witnesses: Witnesses): Judgement {
  return firstFitting(RULES_IF_UNCLAIMED, witnesses)
}

/**
 * Whether a node may continue if it has a new connection to the target and finds its reservation there. That
 * reservation may be stale. When an initiator without an ACL of its own logs in, LIO restores the reservation
 * that it kept for it, and so replaces one that another node has made meanwhile (docs/kernel-notes.md).
 * @param isContested whether another node's key is registered beside it. If not, the reservation outweighs
 * everything except a changed mark
 */
export function judgeHeld(witnesses: Witnesses, isContested: boolean): Judgement {
  if (isContested || witnesses.mark === 'changed') return firstFitting(RULES_IF_CONTESTED, witnesses)
  return { verdict: 'own', why: 'it has the reservation' }
}

function firstFitting(rules: readonly Rule[], witnesses: Witnesses): Judgement {
  const names = ['persists', 'kubernetes', 'mark'] as const
  const fits = ([row]: Rule) =>
    names.every((name) => row[name] === undefined || row[name] === witnesses[name])
  return rules.find(fits)![1]
}

/** What is known while a volume is being claimed. */
export interface ClaimFacts {
  /** Null until it has been read; it is read again after each act. */
  readonly told: Reservations | null
  /** The target does not support persistent reservations. */
  readonly isUnsupported: boolean
  readonly key: ReservationKey
  /** This session has registered the key, and there is no sign that it was removed since. */
  readonly isRegistered: boolean
  /** Whether a key belongs to this node: to an earlier attachment, or to one before a crash. */
  readonly isOwn: (key: ReservationKey) => boolean
  /** Take the volume from the node that has it. */
  readonly takesOver: boolean
  /** This claim has made the reservation, so it is not stale. */
  readonly hasReserved: boolean
  /** How often a reservation or preemption was refused because other nodes claim the volume at the same time. */
  readonly conflicts: number
}

export type ClaimStep =
  | { readonly kind: 'read' | 'register' | 'reserve' | 'done' | 'unguarded' }
  /** Remove this key's registrations, and its reservation. */
  | { readonly kind: 'preempt'; readonly key: ReservationKey }
  /** The volume is not available: the registration must be withdrawn. `foreign`: software other than Lunkeeper has it. */
  | { readonly kind: 'elsewhere' | 'foreign'; readonly key: ReservationKey }
  /** This node held the reservation, but another node is registered beside it, and may have the volume now. */
  | { readonly kind: 'beside'; readonly key: ReservationKey }
  /** Other nodes keep claiming it at the same time. */
  | { readonly kind: 'contended' }

/** More than two racing nodes need, so that neither fails by chance. */
const MAX_CONFLICTS = 8

/**
 * The next step of claiming a volume for one node. This is safe in every interleaving with another node that does
 * the same: no node writes before it has read back that the reservation is its own (docs/ownership.md, "Reservations").
 */
export function nextClaimStep(facts: ClaimFacts): ClaimStep {
  const { told, key, isRegistered, isOwn, takesOver } = facts
  if (facts.isUnsupported) return { kind: 'unguarded' }
  if (told === null) return { kind: 'read' }
  const others = told.keys.filter((other) => other !== key)
  const foreign = [...others, ...holderKey(told.holder)].find((other) => !isLunkeeperKey(other))
  if (foreign !== undefined) return { kind: 'foreign', key: foreign }
  const holder = told.holder?.key ?? null
  const isTaken = holder !== null && holder !== key
  if (isTaken && !isOwn(holder) && !takesOver) return { kind: 'elsewhere', key: holder }
  const beside = others.find((other) => other !== holder && !isOwn(other))
  if (beside !== undefined && holder !== null && !facts.hasReserved && !takesOver)
    return { kind: 'beside', key: beside }
  if (facts.conflicts >= MAX_CONFLICTS) return { kind: 'contended' }
  if (!isRegistered || !told.keys.includes(key)) return { kind: 'register' }
  if (isTaken) return { kind: 'preempt', key: holder }
  if (holder === null) return { kind: 'reserve' }
  // The reservation is this node's. Other registered nodes can write: a node that was killed while it claimed the
  // volume, or one that is claiming it now and will read who holds it.
  const [leftOver] = others
  return leftOver === undefined ? { kind: 'done' } : { kind: 'preempt', key: leftOver }
}

function holderKey(holder: ReservationHolder | null): ReservationKey[] {
  return holder ? [holder.key] : []
}

import type { Refused } from './hold-facts.ts'
import type { StepOf } from './hold-steps.ts'

/** What is known about which volume a session's disk belongs to. */
export type Verified = {
  /** The connection over which it was asked. */
  readonly connection: string | null
} & (
  | { readonly kind: 'asking' | 'proven' | 'refused' }
  /** It is the volume, but it carries no I/O, because the volume is being detached. */
  | { readonly kind: 'answered'; readonly atMs: number }
)

/** The return of the path through one portal. */
export interface ReturnAttempt {
  readonly isBusy: boolean
  /** The next attempt is not made before this; 0: it is made as soon as something changes. */
  readonly nextMs: number
  /** Since when it has waited for the target to accept logins. */
  readonly waitsSinceMs: number | null
  /** The agent waits for iscsid to restore the session; sysfs shows when it is back. */
  readonly waitsForIscsid: boolean
  /** Since when the session has been back without its disk. */
  readonly upSinceMs: number | null
  /** Another volume, or none, answers at the volume's LUN: the agent searches all LUNs for it. */
  readonly searchesLuns: boolean
  /** When the last attempt began; null before the first. */
  readonly begunMs: number | null
  /** It was refused because the owner could not be asked: it is due as soon as the owner can be asked. */
  readonly waitsForWitness: boolean
  /** The lost session could not be logged out while its target is away: not again before then. */
  readonly logOutAfterMs: number
}

export interface IoFailures {
  readonly count: number
  readonly lastMs: number
  /** The path is left alone until this time. */
  readonly untilMs: number
}

/** What the planner must remember between looks. A new agent begins with {@link NOTHING_KNOWN}. */
export interface HoldMemory {
  /** By session. */
  readonly verified: ReadonlyMap<number, Verified>
  /** By session: I/O failed through its path although the target answers. */
  readonly ioFailures: ReadonlyMap<number, IoFailures>
  /** Device numbers (8:16) of the paths that carried I/O at the last look. */
  readonly carrying: readonly string[]
  /** Device numbers of the paths that were brought back since the last look. */
  readonly broughtBack: readonly string[]
  /** By portal. */
  readonly attempts: ReadonlyMap<string, ReturnAttempt>
  /** Since when no path has carried I/O; null while one does. */
  readonly lostSinceMs: number | null
  readonly isAttaching: boolean
  readonly isClearing: boolean
  /** The volume was misplaced or fenced: it is not attached again before this time. */
  readonly reattachMs: number
  readonly recovery: {
    readonly isBusy: boolean
    /** All paths were lost while a recovery was under way: its success proves nothing. */
    readonly isVoid: boolean
    readonly failures: number
    readonly nextMs: number
    /** The outcome of the last recovery, until it is recorded. */
    readonly result: { readonly trouble: string | null } | null
  }
  /** Why I/O does not resume although something answers, until it is recorded. */
  readonly refused: Refused | null
  /** The last outage that ended without loss. */
  readonly lastOutage: { readonly since: string; readonly sinceMs: number; readonly endedMs: number } | null
  /** Requests that the volume's device had completed when the outage began, or when this agent first saw it. */
  readonly completed: number | null
  /** Since when a path has been back without having been seen to carry I/O. */
  readonly returnedMs: number | null
  /** Session and multipathd: the volume has been on this node, so that its absence means that it was lost. */
  readonly wasHere: boolean
  /** Session and multipathd: the record and the sessions as last seen in this outage, and when they changed. */
  readonly seen: {
    readonly revision: number
    readonly isBlocked: boolean
    readonly recordChangedMs: number
    readonly sessionsChangedMs: number
  } | null
  /** Log lines that the results of steps have left to be written. */
  readonly unsaid: readonly StepOf<'say'>[]
}

export const NOTHING_KNOWN: HoldMemory = {
  verified: new Map(),
  ioFailures: new Map(),
  carrying: [],
  broughtBack: [],
  attempts: new Map(),
  lostSinceMs: null,
  isAttaching: false,
  isClearing: false,
  reattachMs: 0,
  recovery: { isBusy: false, isVoid: false, failures: 0, nextMs: 0, result: null },
  refused: null,
  lastOutage: null,
  completed: null,
  returnedMs: null,
  wasHere: false,
  seen: null,
  unsaid: [],
}

import type { DirtyData } from '../bytes.ts'
import type { AttachmentState } from '../attachment.ts'
import type { HoldNote } from '../hold-note.ts'
import type { Hold, HoldMode } from '../hold.ts'
import type { LogCode } from '../log-entry.ts'
import type { ShutdownGrace } from './hold-deadline.ts'
import type { HoldMapState } from './table.ts'

/*
 * The types of the hold planner. `planHold(facts, memory)` says what to do now; `afterStep(memory, …)` takes in the
 * result of a lasting step. Times end in `Ms` and are on the monotonic clock, except `wallMs`.
 */

/** One session's disk at the volume's LUN. */
export interface HeldPath {
  readonly sid: number
  /** The portal that the session is connected to; null for a moment at its start. */
  readonly portal: string | null
  /** 8:16 */
  readonly devno: string
  /** sdb */
  readonly disk: string
  readonly sessionState: string
  readonly diskState: string
  /** Distinguishes one connection of the session from the next, which may lead to another volume. */
  readonly connection: string | null
}

/** What serves a portal at present. */
export interface PortalSession {
  readonly sid: number
  readonly state: string
  /** How many disks the session has, and whether only our hold maps use them. Null: not looked at. */
  readonly disks: number | null
  readonly isAllHeld: boolean | null
  /** Lunkeeper has made it. */
  readonly isOurs: boolean
}

/** What the shared probe of a portal has seen: whether its target accepts logins. */
export interface ProbeResult {
  /** Null while the target does not accept logins. */
  readonly openSinceMs: number | null
  /** When the last answered probe began. */
  readonly confirmedMs: number
  /** Why the last probe failed; null before the first. */
  readonly closed: string | null
}

export interface PortalFacts {
  readonly portal: string
  readonly session: PortalSession | null
  readonly probe: ProbeResult | null
}

/** Counters of the block device that the volume's I/O goes through. */
export interface IoCounters {
  readonly completed: number
  readonly inFlight: number
}

/** All that the planner receives about a volume. */
export interface HoldFacts {
  readonly nowMs: number
  /** The wall clock, for times that people read. */
  readonly wallMs: number
  readonly mode: HoldMode
  /** How long I/O is to be held, from the record. */
  readonly wanted: Hold
  readonly shutdown: ShutdownGrace | null
  readonly note: HoldNote | null
  /** The volume may be used: it is attached, and no detach has begun. */
  readonly isReady: boolean
  /** A command is working on a volume that is not ready. False: the detach was killed, or failed. */
  readonly isWorkedOn: boolean
  /** An orchestrator decides when the volume is attached: the agent does not reattach it. */
  readonly isOrchestrated: boolean
  readonly paths: readonly HeldPath[]
  readonly portals: readonly PortalFacts[]
  readonly io: IoCounters | null
  /** When the Kubernetes API last answered after a time in which it was slow or did not answer; null: never. */
  readonly witnessBackMs: number | null
  /** How many volumes the agent monitors: with many volumes, the agent looks at each less often. */
  readonly volumes: number
  /** Hold map: its state in the kernel. `unread`: the map was created after the maps were read. */
  readonly map: HoldMapState | 'absent' | 'unread'
  /** When the reading of `map` began. Later changes are missing from `map`, except those that the agent itself made. */
  readonly mapReadMs: number
  /** For volumes that the session or multipathd holds. */
  readonly held: HeldByOthers
}

/** What the agent sees of a volume that its session or multipathd holds. */
export interface HeldByOthers {
  /** Counts the changes of the volume's record. */
  readonly revision: number
  /** There is a device that a file system or a process can use. */
  readonly hasDevice: boolean
  readonly hasMap: boolean
  /** The longest recovery timer among its sessions. */
  readonly recovery: Hold
  /** Whether the kernel queues I/O in its map; null: not asked yet, because that starts a program. */
  readonly isQueueing: boolean | null
  /** How much longer multipathd will hold I/O, as it reports; null: not asked yet, because that starts programs. */
  readonly multipathd: Hold | null
}

/**
 * Why a path was refused, after it was asked which volume answers there and whether this node may write to it.
 * `foreign`: another volume answers. `absent`: the volume is not at this LUN. `lost`: it is the volume, but another
 * node owns it. `unknown`: it cannot be determined now whether this node owns it. `short`: it is the volume, but
 * the path does not report its full size. `unreachable`: no answer.
 */
export type Refusal = 'foreign' | 'absent' | 'lost' | 'unknown' | 'short' | 'unreachable'

export interface Refused {
  readonly cause: Refusal
  /** Text for people. */
  readonly message: string
  /** The node that owns a lost volume; absent if it is not known. */
  readonly holder?: string
  /** The unwritten data of a lost volume on this node; absent if the kernel does not report it. */
  readonly unwritten?: DirtyData
}

/** One step of a path's return. The first step that fails ends the return. */
export type ReturnStep =
  /**
   * Look for the volume among all LUNs that the target presents. The return continues only if the volume is at its
   * old LUN.
   */
  | 'search-lun'
  /** End a lost session that only hold maps use. This is the only step while the target is away. */
  | 'log-out'
  /** Log in, scan, and wait for the disk. */
  | 'make-path'
  /** Ask the disk which volume it is, and whether this node owns it. The last step for a volume that is being detached. */
  | 'verify'
  /** Let I/O go through a path that is in the map's table. */
  | 'reinstate'
  /** Load a table that includes the path. */
  | 'load-table'

export type HoldStep =
  /** Record the state of the hold; null: the outage is over. */
  | { readonly kind: 'record'; readonly note: HoldNote | null }
  /** @property about the topic: a text that repeats under the same topic is logged once; null: an event */
  | {
      readonly kind: 'say'
      readonly about: string | null
      readonly text: string
      /** Present if the line says that the volume's state changed. */
      readonly code?: LogCode
      /** Length of the outage that ended, in seconds. */
      readonly seconds?: number
    }
  | { readonly kind: 'queue'; readonly on: boolean }
  /** Stop I/O through this path of the map. */
  | { readonly kind: 'fail'; readonly devno: string }
  /** Remove a disk of another volume, or of a lost volume, from beneath the volume and from the node, without a flush. */
  | { readonly kind: 'drop-disk'; readonly sid: number }
  /** Remove all disks from the map: nothing written to the map reaches a target any more. */
  | { readonly kind: 'empty-map' }
  /** Start the processes that a return needs, so that they are running when the target is back. */
  | { readonly kind: 'warm-up' }
  | { readonly kind: 'search-portal' }
  | LastingStep

/** Steps that take time: they are started, and a {@link StepResult} reports how they ended. */
export type LastingStep =
  /** Ask a path that already carries I/O which volume it is. */
  | {
      readonly kind: 'verify'
      readonly sid: number
      readonly connection: string | null
      readonly disk: string
      readonly devno: string
    }
  | {
      readonly kind: 'return'
      readonly portal: string
      /** The path in the map's table, and its session; null if the path must be made. */
      readonly path: { readonly sid: number; readonly devno: string } | null
      readonly steps: readonly ReturnStep[]
    }
  /** Test the file system, and remount it where I/O errors broke it. */
  | { readonly kind: 'recover' }
  /**
   * Unmount a misplaced or fenced volume once no process uses it, and remove the map of a fenced one; nothing is
   * written. Its note then records that it is clear.
   */
  | { readonly kind: 'clear' }
  | { readonly kind: 'attach' }

export type StepResult =
  | { readonly kind: 'verify'; readonly step: StepOf<'verify'>; readonly refused: Refused | null }
  | { readonly kind: 'return'; readonly step: StepOf<'return'>; readonly came: Returned }
  /** @property trouble why the file system is not usable yet; null: it is usable */
  | { readonly kind: 'recover'; readonly trouble: string | null }
  | { readonly kind: 'recover-failed'; readonly refused: Refused }
  /** @property users the processes that still use it; null: it is clear */
  | { readonly kind: 'clear'; readonly users: string | null }
  | { readonly kind: 'attach' }
  | {
      readonly kind: 'failed'
      readonly step: StepOf<'clear' | 'attach'>
      readonly refused: Refused
    }

export type StepOf<Kind extends HoldStep['kind']> = Extract<HoldStep, { kind: Kind }>

export type Returned =
  /** @property path the path that carries I/O now, as it was verified; `verified`: the path does not carry I/O */
  | {
      readonly kind: 'reinstated' | 'loaded' | 'verified'
      readonly path: {
        readonly sid: number
        readonly devno: string
        readonly connection: string | null
      } | null
    }
  /** The lost session was logged out; the other steps follow once the target accepts logins. */
  | { readonly kind: 'logged-out' }
  /** The volume is at another LUN now, and its record has been updated. */
  | { readonly kind: 'moved'; readonly from: number; readonly to: number }
  /** @property foundHere the volume was seen at its own LUN before the return failed */
  | { readonly kind: 'refused'; readonly refused: Refused; readonly foundHere?: true }

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

/** What to do now, in this order, and when to look again. */
export interface HoldPlan {
  readonly steps: readonly HoldStep[]
  readonly memory: HoldMemory
  /** `Infinity`: only when something changes. */
  readonly lookAtMs: number
  readonly state: AttachmentState
  /** Nothing is left to do. */
  readonly isSettled: boolean
  /** The volume is not on the node, or, after a reboot, not yet. */
  readonly isRestoring: boolean
  /** Whether a change of its sessions or disks calls for a look; false while every possible step is under way. */
  readonly reactsToChanges: boolean
  /** Portals to be probed: do their targets accept logins? */
  readonly probes: readonly { readonly portal: string; readonly sinceMs: number }[]
  /** Sessions whose disks carry I/O. They are asked from time to time which volume they are. */
  readonly checks: readonly number[]
  /** What must be asked before a decision is possible: the facts are then read and planned once more. */
  readonly ask: 'is-queueing' | 'multipathd' | 'map' | null
}

/** Whether I/O can go through a path: its session is logged in, and its disk takes commands. */
export function isUsable({ sessionState, diskState }: Pick<HeldPath, 'sessionState' | 'diskState'>): boolean {
  return sessionState === 'LOGGED_IN' && diskState === 'running'
}

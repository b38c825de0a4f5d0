import type { DirtyData } from '../bytes.ts'
import type { AttachmentState } from '../attachment.ts'
import type { HoldNote } from '../hold-note.ts'
import type { Hold, HoldMode } from '../hold.ts'
import type { LogCode } from '../log-entry.ts'
import type { ShutdownGrace } from './hold-deadline.ts'
import type { HoldMapState } from './table.ts'

/*
 * The types of the hold planner. `planHold(facts, memory)` says what to do now; `afterStep(memory, …)` takes in the result
 * of a step that lasts. Times end in `Ms` and are on the monotonic clock, but for `wallMs`.
 */

/** One session's disk at the volume's LUN. */
export interface HeldPath {
  readonly sid: number
  /** Where the session is connected to; null for a moment at its start. */
  readonly portal: string | null
  /** 8:16 */
  readonly devno: string
  /** sdb */
  readonly disk: string
  readonly sessionState: string
  readonly diskState: string
  /** Tells one connection of the session from the next, which may lead to another volume. */
  readonly connection: string | null
}

/** What serves a portal now. */
export interface PortalSession {
  readonly sid: number
  readonly state: string
  /** How many disks the session has, and whether hold maps of ours are all that stands on them. Null: not looked at. */
  readonly disks: number | null
  readonly isAllHeld: boolean | null
  /** Lunkeeper has made it. */
  readonly isOurs: boolean
}

/** What the shared probe of a portal has seen: whether its target takes logins. */
export interface ProbeResult {
  /** Null while the target does not take logins. */
  readonly openSinceMs: number | null
  /** When the last probe began that was answered. */
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
  /** The wall clock, for what people read. */
  readonly wallMs: number
  readonly mode: HoldMode
  /** How long I/O is to be held: the record says. */
  readonly wanted: Hold
  readonly shutdown: ShutdownGrace | null
  readonly note: HoldNote | null
  /** It may be used: attached, and no detach has begun. */
  readonly isReady: boolean
  /** A command is at work on a volume that is not ready. False: its detach was killed, or failed. */
  readonly isWorkedOn: boolean
  /** An orchestrator says when the volume is attached: the agent does not attach it again. */
  readonly isOrchestrated: boolean
  readonly paths: readonly HeldPath[]
  readonly portals: readonly PortalFacts[]
  readonly io: IoCounters | null
  /** When the Kubernetes API last answered again after it had not, or had been slow; null: never. */
  readonly witnessBackMs: number | null
  /** How many volumes the agent monitors: each is looked at less often when there are many. */
  readonly volumes: number
  /** Hold map: what the kernel does with it. `unread`: it was made after the maps were read. */
  readonly map: HoldMapState | 'absent' | 'unread'
  /** When the reading of `map` began. Of what has happened to the map since, it has only what the agent itself did. */
  readonly mapReadMs: number
  /** Session and multipathd. */
  readonly held: HeldByOthers
}

/** What is seen of a volume that its session or multipathd holds. */
export interface HeldByOthers {
  /** Counts changes of its record. */
  readonly revision: number
  /** There is a device that a file system or a process can use. */
  readonly hasDevice: boolean
  readonly hasMap: boolean
  /** The longest recovery timer of its sessions. */
  readonly recovery: Hold
  /** Whether the kernel queues I/O in its map; null: not asked yet, which starts a program. */
  readonly isQueueing: boolean | null
  /** How long multipathd says it will go on; null: not asked yet, which starts programs. */
  readonly multipathd: Hold | null
}

/**
 * The result of asking a path which volume answers there, and whether this node may write to it.
 * `foreign`: another volume. `absent`: the volume is not at this LUN. `lost`: the volume, and another node owns it.
 * `unknown`: whether this node owns it cannot be asked now. `short`: the volume, and the path has not its size. `unreachable`: no
 * answer.
 */
export type Refusal = 'foreign' | 'absent' | 'lost' | 'unknown' | 'short' | 'unreachable'

export interface Refused {
  readonly cause: Refusal
  /** For people. */
  readonly message: string
  /** The node that owns a lost volume; absent if it is not known. */
  readonly holder?: string
  /** The unwritten data of a lost volume on this node; absent if the kernel does not tell. */
  readonly unwritten?: DirtyData
}

/** What one step of a path's return does; the first that fails ends the return. */
export type ReturnStep =
  /** Look for the volume among all LUNs that the target presents. The return continues only if the volume has its old LUN. */
  | 'search-lun'
  /** End a lost session that nothing but hold maps uses. It is the only step while the target is away. */
  | 'log-out'
  /** Log in, scan, and wait for the disk. */
  | 'make-path'
  /** Ask the disk which volume it is, and whether this node owns it. The last step for a volume that is being detached. */
  | 'verify'
  /** Let I/O go through a path that the map has. */
  | 'reinstate'
  /** Load a table with the path. */
  | 'load-table'

export type HoldStep =
  /** Write down the state of the hold; null: the outage is over. */
  | { readonly kind: 'record'; readonly note: HoldNote | null }
  /** @property about what is said again and again under this head is said once; null: an event */
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
  /** No more I/O through this path of the map. */
  | { readonly kind: 'fail'; readonly devno: string }
  /** Take a disk of another volume, or of a volume that was lost, from under the volume and off the node, unflushed. */
  | { readonly kind: 'drop-disk'; readonly sid: number }
  /** Take all disks from under the map: nothing that is written to it reaches a target any more. */
  | { readonly kind: 'empty-map' }
  /** The processes that a return needs must be there at the moment when the target is back. */
  | { readonly kind: 'warm-up' }
  | { readonly kind: 'search-portal' }
  | LastingStep

/** Steps that last: they are started, and {@link StepResult} is their result. */
export type LastingStep =
  /** Ask a path that carries I/O already which volume it is. */
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
      /** The path that the map has, and its session; null where one is to be made. */
      readonly path: { readonly sid: number; readonly devno: string } | null
      readonly steps: readonly ReturnStep[]
    }
  /** Test the file system, and remount it where I/O errors broke it. */
  | { readonly kind: 'recover' }
  /**
   * Unmount a misplaced or fenced volume once no process uses it, and remove the map of a fenced one; nothing is written.
   * Its note then says that it is clear.
   */
  | { readonly kind: 'clear' }
  | { readonly kind: 'attach' }

export type StepResult =
  | { readonly kind: 'verify'; readonly step: StepOf<'verify'>; readonly refused: Refused | null }
  | { readonly kind: 'return'; readonly step: StepOf<'return'>; readonly came: Returned }
  /** @property trouble why the file system is not usable yet; null: it is */
  | { readonly kind: 'recover'; readonly trouble: string | null }
  | { readonly kind: 'recover-failed'; readonly message: string }
  /** @property users who still uses it; null: it is clear */
  | { readonly kind: 'clear'; readonly users: string | null }
  | { readonly kind: 'attach' }
  | {
      readonly kind: 'failed'
      readonly step: StepOf<'clear' | 'attach'>
      readonly message: string
    }

export type StepOf<Kind extends HoldStep['kind']> = Extract<HoldStep, { kind: Kind }>

export type Returned =
  /** @property path the path that carries I/O now, as it was verified; `verified`: it carries none */
  | {
      readonly kind: 'reinstated' | 'loaded' | 'verified'
      readonly path: {
        readonly sid: number
        readonly devno: string
        readonly connection: string | null
      } | null
    }
  /** The lost session is gone; the rest follows when the target takes logins. */
  | { readonly kind: 'logged-out' }
  /** The volume has another LUN now, and its record says so. */
  | { readonly kind: 'moved'; readonly from: number; readonly to: number }
  /** @property foundHere the volume was seen at its own LUN before the return failed */
  | { readonly kind: 'refused'; readonly refused: Refused; readonly foundHere?: true }

/** What is known of which volume a session's disk is. */
export type Verified = {
  /** Over which connection it was asked. */
  readonly connection: string | null
} & (
  | { readonly kind: 'asking' | 'proven' | 'refused' }
  /** It is the volume, and carries nothing, because the volume is being detached. */
  | { readonly kind: 'answered'; readonly atMs: number }
)

/** The return of the path through one portal. */
export interface ReturnAttempt {
  readonly isBusy: boolean
  /** Not before then; 0: when something shows. */
  readonly nextMs: number
  /** Since when it waits for the target to take logins. */
  readonly waitsSinceMs: number | null
  /** The agent waits for iscsid to restore the session, whose return shows in sysfs. */
  readonly waitsForIscsid: boolean
  /** Since when its session is back, and its disk is not. */
  readonly upSinceMs: number | null
  /** Another volume, or none, answers at the volume's LUN: the agent searches all LUNs for it. */
  readonly searchesLuns: boolean
  /** When the last attempt began; null before the first. */
  readonly begunMs: number | null
  /** It was refused because the owner could not be asked: it is due as soon as that is possible. */
  readonly waitsForWitness: boolean
  /** The lost session could not be logged out while its target is away: not again before then. */
  readonly logOutAfterMs: number
}

export interface IoFailures {
  readonly count: number
  readonly lastMs: number
  /** The path is left alone until then. */
  readonly untilMs: number
}

/** What the planner has to remember from one look to the next. A new agent begins with {@link NOTHING_KNOWN}. */
export interface HoldMemory {
  /** By session. */
  readonly verified: ReadonlyMap<number, Verified>
  /** By session: I/O that failed through its path although the target answers. */
  readonly ioFailures: ReadonlyMap<number, IoFailures>
  /** Device numbers (8:16) of the paths that carried I/O at the last look. */
  readonly carrying: readonly string[]
  /** Device numbers of the paths that were brought back since the last look. */
  readonly broughtBack: readonly string[]
  /** By portal. */
  readonly attempts: ReadonlyMap<string, ReturnAttempt>
  /** Since when no path carries I/O; null while one does. */
  readonly lostSinceMs: number | null
  readonly isAttaching: boolean
  readonly isClearing: boolean
  /** The volume was misplaced or fenced: no attach before then. */
  readonly reattachMs: number
  readonly recovery: {
    readonly isBusy: boolean
    /** All paths were lost while one was under way: that it went well says nothing. */
    readonly isVoid: boolean
    readonly failures: number
    readonly nextMs: number
    /** What the last one came to, until it is recorded. */
    readonly result: { readonly trouble: string | null } | null
  }
  /** Why nothing goes on although something answers, until it is recorded. */
  readonly refused: Refused | null
  /** The last outage that ended well. */
  readonly lastOutage: { readonly since: string; readonly sinceMs: number; readonly endedMs: number } | null
  /** Requests that had ended on the volume's device when the outage began, or was first seen by this agent. */
  readonly completed: number | null
  /** Since when a path is there again that has not been seen to carry I/O yet. */
  readonly returnedMs: number | null
  /** Session and multipathd: it has been on this node, so that an empty place is a loss. */
  readonly wasHere: boolean
  /** Session and multipathd: the record and the sessions as they were last seen in this outage, and when they changed. */
  readonly seen: {
    readonly revision: number
    readonly isBlocked: boolean
    readonly recordChangedMs: number
    readonly sessionsChangedMs: number
  } | null
  /** Lines for the log that results of steps have left. */
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
  /** `Infinity`: only when something shows. */
  readonly lookAtMs: number
  readonly state: AttachmentState
  /** Nothing is left to do. */
  readonly isSettled: boolean
  /** It is not on the node, or not yet: after a reboot. */
  readonly isRestoring: boolean
  /** Whether a change of its sessions or disks calls for a look; false while every possible step is under way. */
  readonly reactsToChanges: boolean
  /** Portals whose targets are asked whether they take logins. */
  readonly probes: readonly { readonly portal: string; readonly sinceMs: number }[]
  /** Sessions through whose disks I/O goes, which are asked which volume they are now and then. */
  readonly checks: readonly number[]
  /** What has to be asked before anything is decided: then the facts are read, and planned, once more. */
  readonly ask: 'is-queueing' | 'multipathd' | 'map' | null
}

/** Whether I/O can go through a path: its session is logged in, and its disk takes commands. */
export function isUsable({ sessionState, diskState }: Pick<HeldPath, 'sessionState' | 'diskState'>): boolean {
  return sessionState === 'LOGGED_IN' && diskState === 'running'
}

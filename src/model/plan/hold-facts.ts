import type { DirtyData } from '../bytes.ts'
import type { HoldNote } from '../hold-note.ts'
import type { Hold, HoldMode } from '../hold.ts'
import type { ShutdownGrace } from './hold-deadline.ts'
import type { HoldMapState } from './table.ts'

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
  /** Its disk is not the one on which the volume was attached. */
  readonly isReplaced: boolean
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

/** Whether I/O can go through a path: its session is logged in, and its disk takes commands. */
export function isUsable({ sessionState, diskState }: Pick<HeldPath, 'sessionState' | 'diskState'>): boolean {
  return sessionState === 'LOGGED_IN' && diskState === 'running'
}

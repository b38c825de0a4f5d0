import { volumeNameOf } from '../../src/csi/volume/name.ts'
import { Ledger } from './ledger.ts'
import { Pace } from './pace.ts'
import { Windows } from './windows.ts'

const MIB = 1 << 20

export interface Place {
  readonly target: string
  readonly lun: number
}

export const samePlace = (a: Place | null, b: Place | null): boolean =>
  a !== null && b !== null && a.target === b.target && a.lun === b.lun

/** `raw`: the histories write to its device. `ext4`: it is mounted, and they write to a file on it. */
export type VolumeKind = 'raw' | 'ext4'

export interface VolumeModel {
  readonly name: string
  /** The name under which Lunkeeper keeps it. */
  readonly record: string
  readonly kind: VolumeKind
  /** Requested by an orchestrator, which stages and publishes it. */
  readonly csi: boolean
  /** The orchestrator has published it. */
  published: boolean
  readonly serial: string
  /** Null for a stranger, which is never attached and must never change. */
  readonly home: Place | null
  bytes: number
  /** Where its target presents it now. */
  at: Place | null
  /** `unsure`: a command was killed, or failed halfway. */
  attached: 'no' | 'yes' | 'unsure'
  /** Its detach was killed. If another volume answers, its state does not show that. */
  isDetaching: boolean
  /** The LUN through which its attachment reaches it, according to Lunkeeper. */
  uses: Place | null
  /** Its path, according to Lunkeeper: a device, or a directory. */
  path: string | null
  /** What holds its I/O. */
  mode: 'map' | 'session' | 'multipathd' | null
  /** Another volume's bytes were written to it in a window: its contents are not judged until it is painted again. */
  tainted: boolean
  /** When it was announced that unconfirmed data may be lost: a hold was given up, a detach was forced. */
  excusedAt: number
  /**
   * I/O of it has failed, and that was reported. What the kernel could not write then, it reports once, to the next
   * fsync of the file, however long ago it was: fs/ext4 reports ENOSPC if it could not read a block bitmap.
   */
  owesError: boolean
  /** Since when `volumes` has shown it as attached without an interrupted command; null while it does not. */
  readySince: number | null
  /** Since when one of its paths has been logged in, at every look. */
  reachedSince: number | null
  /** When it was last seen attached, or an operation was last working on it (milliseconds of the host's monotonic clock). */
  mayWriteUntil: number
  readonly ledger: Ledger
}

/** The model of a volume that is not attached. */
export const DETACHED = {
  attached: 'no',
  isDetaching: false,
  uses: null,
  path: null,
  mode: null,
  owesError: false,
  readySince: null,
  reachedSince: null,
} as const satisfies Partial<VolumeModel>

export interface TargetModel {
  readonly name: string
  readonly iqn: string
  readonly portals: readonly string[]
  up: boolean
  /** Indices of portals that are away. */
  readonly portalsDown: Set<number>
  /** When it last stopped answering. */
  downSince: number
  /** When one of its portals, or all of them, last came back or went away. */
  changedAt: number
}

/** The expected state, as far as the history determines it. All times are those of the host's monotonic clock. */
export class Model {
  readonly volumes = new Map<string, VolumeModel>()
  readonly targets = new Map<string, TargetModel>()
  readonly pace: Pace
  readonly windows: Windows
  /** When an agent ran; the last one may still be running. */
  readonly agents: { readonly from: number; to: number }[] = []
  iscsid = true
  runFull = false
  storeFull = false
  sequence = 0

  constructor(pace: Pace) {
    this.pace = pace
    this.windows = new Windows(pace)
  }

  volume(name: string): VolumeModel {
    const found = this.volumes.get(name)
    if (!found) throw new Error(`there is no volume ${name}`)
    return found
  }

  target(name: string): TargetModel {
    const found = this.targets.get(name)
    if (!found) throw new Error(`there is no target ${name}`)
    return found
  }

  /**
   * LIO itself answers at LUN 0 while nothing is mapped there: reads of its beginning succeed, and writes are
   * refused with DATA PROTECT, which no map holds. That lasts until the agent has asked what answers there
   * (docs/kernel-notes.md).
   */
  isAnsweredByTarget({ uses }: VolumeModel): boolean {
    return uses !== null && uses.lun === 0 && this.shownAt(uses) === null
  }

  /** The volume at a LUN of a target; null for none. */
  shownAt(place: Place): VolumeModel | null {
    return [...this.volumes.values()].find(({ at }) => samePlace(at, place)) ?? null
  }

  /** Volumes that a user attaches. */
  get own(): VolumeModel[] {
    return [...this.volumes.values()].filter(({ home }) => home !== null)
  }

  get attached(): VolumeModel[] {
    return this.own.filter(({ attached }) => attached !== 'no')
  }

  isServed({ target }: Place): boolean {
    const { up, portals, portalsDown } = this.target(target)
    return up && portalsDown.size < portals.length
  }

  /** Since when the agent has been running; null while it is not. */
  get agentSince(): number | null {
    const last = this.agents.at(-1)
    return last && last.to === Number.POSITIVE_INFINITY ? last.from : null
  }

  /** Without an agent, `volumes` asks the disks; with one, it shows what the agent has found, once it has asked. */
  hasAgentJustStarted(now: number): boolean {
    const since = this.agentSince
    return since !== null && now - since < FIRST_CHECK_MS * this.pace.factor
  }

  /** Since when the agent has asked a volume's path which volume answers; null while it does not. */
  readonly checkedSince = (name: string): number | null => {
    const { mode, readySince, reachedSince } = this.volume(name)
    const since = this.agentSince
    if (since === null || readySince === null) return null
    // I/O that the agent holds resumes after a check of the path; I/O that the kernel or multipathd holds resumes
    // without a check.
    if (mode === 'map') return Math.max(since, readySince)
    return reachedSince === null ? null : Math.max(since, readySince, reachedSince)
  }

  /** Whether no I/O resumes after the outage before the volume has proven itself: the agent has marked the path as lost. */
  isLossSeen({ mode, attached }: VolumeModel, target: TargetModel, now: number): boolean {
    return mode === 'map' && attached === 'yes' && !target.up && this.isSeenAway(target.downSince, now)
  }

  /** Whether an agent has had time to notice that a target is away: it looks five times a second. */
  isSeenAway(since: number, now: number): boolean {
    return this.agents.some(
      ({ from, to }) => Math.min(to, now) - Math.max(from, since) > SEEN_AFTER_MS * this.pace.factor,
    )
  }
}

/** Well above the agent's polling interval of 200 ms, for a busy machine. */
const SEEN_AFTER_MS = 1_000
/** How long an agent that has just started may take to ask each disk which volume it is. */
const FIRST_CHECK_MS = 10_000

export interface Topology {
  readonly targets: readonly { readonly name: string; readonly portals: readonly string[] }[]
  readonly volumes: readonly {
    readonly name: string
    readonly kind: VolumeKind
    readonly csi?: boolean
    readonly mib: number
    readonly home: Place | null
  }[]
}

/** Two targets, one with two portals; volumes of the same and of different sizes at each; two strangers. */
export const TOPOLOGY: Topology = {
  targets: [
    { name: 't0', portals: ['127.0.0.1:3260'] },
    { name: 't1', portals: ['127.0.0.2:3260', '127.0.0.3:3260'] },
  ],
  volumes: [
    { name: 'v0', kind: 'raw', mib: 4, home: { target: 't0', lun: 0 } },
    { name: 'v1', kind: 'ext4', mib: 8, home: { target: 't0', lun: 1 } },
    { name: 'v2', kind: 'raw', mib: 4, home: { target: 't0', lun: 2 } },
    { name: 'v3', kind: 'ext4', mib: 8, home: { target: 't1', lun: 1 } },
    { name: 'v4', kind: 'raw', mib: 6, home: { target: 't1', lun: 5 } },
    { name: 'v5', kind: 'ext4', csi: true, mib: 8, home: { target: 't0', lun: 5 } },
    { name: 's0', kind: 'raw', mib: 4, home: null },
    { name: 's1', kind: 'raw', mib: 8, home: null },
  ],
}

export function modelOf(
  { targets, volumes }: Topology,
  iqnOf: (name: string) => string,
  pace = new Pace(),
): Model {
  const model = new Model(pace)
  for (const { name, portals } of targets)
    model.targets.set(name, {
      name,
      iqn: iqnOf(name),
      portals,
      up: true,
      portalsDown: new Set(),
      downSince: 0,
      changedAt: 0,
    })
  for (const [index, { name, kind, csi = false, mib, home }] of volumes.entries())
    model.volumes.set(name, {
      name,
      record: csi ? volumeNameOf(name) : name,
      kind,
      csi,
      published: false,
      // LIO makes the NAA id from the hexadecimal digits of the serial.
      serial: `c0ffee${(index + 1).toString(16).padStart(2, '0')}`,
      home,
      bytes: mib * MIB,
      at: null,
      ...DETACHED,
      tainted: false,
      excusedAt: 0,
      mayWriteUntil: 0,
      ledger: new Ledger(),
    })
  return model
}

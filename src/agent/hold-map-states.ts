import { monotonicMs } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { failPath, readHoldMaps, setQueueing } from '../host/map/hold-map.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import type { DmMap } from '../model/snapshot.ts'

/** How long a reading is valid if nothing is known to have changed a map. A reading starts two programs. */
const LIFETIME_MS = 5_000
/** How long it is valid if a command may have changed a map. A hundred simultaneous attaches change maps all the time. */
const DOUBTFUL_LIFETIME_MS = 500
/** During an outage the maps are read ahead of time, so that a path that returns does not wait for two programs. */
const AHEAD_MS = 3_000

/** A reading in progress. */
interface Reading {
  /** A map was changed after the reading began, so another one is needed. */
  isStale: boolean
  /** What the agent has changed meanwhile; the reading may not show it. */
  readonly changes: { readonly map: string; readonly change: Change }[]
  done: Promise<void>
}

/** A change of a map's state by the agent. */
type Change = (state: HoldMapState) => HoldMapState

/** The hold maps as the kernel reports them, with the agent's own changes since. */
export class HoldMapStates {
  readonly #host: Host
  #states = new Map<string, HoldMapState>()
  #reading: Reading | null = null
  /** The reading that follows the current one. */
  #next: Promise<void> | null = null
  /** When the reading began that made the states up to date; `-Infinity` if they are not. */
  #readMs = Number.NEGATIVE_INFINITY
  /** When the last completed reading began. */
  #begunMs = Number.NEGATIVE_INFINITY
  #isDoubtful = false
  /** By map: when the last event of a failed path arrived. */
  readonly #pathFailedMs = new Map<string, number>()

  constructor(host: Host) {
    this.#host = host
  }

  /** @param fresh read the maps again in any case */
  async states(fresh = false): Promise<ReadonlyMap<string, HoldMapState>> {
    const lifetime = this.#isDoubtful ? DOUBTFUL_LIFETIME_MS : LIFETIME_MS
    if (fresh || monotonicMs() - this.#readMs > lifetime) await this.#read()
    return this.#states
  }

  /**
   * When the reading began that a map's state comes from, on the monotonic clock. `-Infinity` if the kernel has
   * failed a path of the map since.
   */
  readMsOf(map: string): number {
    return this.#hasFailedPath(map, this.#begunMs) ? Number.NEGATIVE_INFINITY : this.#begunMs
  }

  /** Starts reading the maps before the last reading is too old. Does not wait. */
  refresh(): void {
    // The next look that needs the maps reads them itself, and reports the error.
    if (monotonicMs() - this.#readMs > AHEAD_MS) void this.#read().catch(() => {})
  }

  /** One reading at a time serves all callers. A reading that began before a change is followed by another. */
  #read(): Promise<void> {
    if (!this.#reading) return this.#begin()
    if (!this.#reading.isStale) return this.#reading.done
    this.#next ??= this.#reading.done
      .catch(() => {})
      .then(() => {
        this.#next = null
        return this.#begin()
      })
    return this.#next
  }

  #begin(): Promise<void> {
    const reading: Reading = { isStale: false, changes: [], done: Promise.resolve() }
    this.#reading = reading
    return (reading.done = this.#readNow(reading))
  }

  async #readNow(reading: Reading): Promise<void> {
    const startedMs = monotonicMs()
    this.#isDoubtful = false
    try {
      const states = new Map(await readHoldMaps(this.#host))
      for (const { map, change } of reading.changes) apply(states, map, change)
      this.#states = states
      this.#begunMs = startedMs
      if (!reading.isStale) this.#readMs = startedMs
    } finally {
      this.#reading = null
    }
  }

  /** Call this when a command may have changed a map. */
  doubt(): void {
    this.#isDoubtful = true
  }

  /** Call this when the kernel itself has changed a map, so that the cached state is wrong. */
  invalidate(): void {
    this.#readMs = Number.NEGATIVE_INFINITY
    if (this.#reading) this.#reading.isStale = true
  }

  /** Call this when a path of this map was failed. */
  pathFailed(map: string): void {
    this.#pathFailedMs.set(map, monotonicMs())
    this.invalidate()
  }

  async fail(map: DmMap, devno: string): Promise<void> {
    await failPath(this.#host, map, devno)
    this.#change(map.name, setActive(devno, false))
  }

  async queue(map: string, on: boolean): Promise<void> {
    await setQueueing(this.#host, { name: map }, on)
    this.#change(map, (state) => ({ ...state, queueing: on }))
  }

  /**
   * Call this when a path in the map's table carries I/O again. The kernel may have failed the path in the
   * meantime: a target that answers may fail the first request before the step that brought the path back has
   * ended.
   * @param begunMs when that step began
   */
  reinstated({ name }: DmMap, devno: string, begunMs: number): void {
    if (this.#hasFailedPath(name, begunMs)) this.invalidate()
    else this.#change(name, setActive(devno, true))
  }

  /** A table with this path and the paths that carried I/O was loaded. @param begunMs as of `reinstated` */
  loaded({ name }: DmMap, devno: string, begunMs: number): void {
    if (this.#hasFailedPath(name, begunMs)) return this.invalidate()
    const loaded: Change = ({ paths }) => {
      const others = paths.filter((path) => path.active && path.devno !== devno)
      return { queueing: true, paths: [...others, { devno, active: true }] }
    }
    this.#change(name, loaded, { queueing: true, paths: [] })
    this.doubt()
  }

  #hasFailedPath(map: string, sinceMs: number): boolean {
    return (this.#pathFailedMs.get(map) ?? Number.NEGATIVE_INFINITY) >= sinceMs
  }

  /** @param from the state of a map that has not been read yet; without it nothing is known of such a map */
  #change(map: string, change: Change, from?: HoldMapState): void {
    if (from && !this.#states.has(map)) this.#states.set(map, from)
    apply(this.#states, map, change)
    this.#reading?.changes.push({ map, change })
  }
}

function setActive(devno: string, active: boolean): Change {
  return ({ queueing, paths }) => ({
    queueing,
    paths: paths.map((path) => (path.devno === devno ? { devno, active } : path)),
  })
}

function apply(states: Map<string, HoldMapState>, map: string, change: Change): void {
  const state = states.get(map)
  if (state) states.set(map, change(state))
}

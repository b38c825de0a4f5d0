import { monotonicMs } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { failPath, readHoldMaps, setQueueing } from '../host/map/hold-map.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import type { DmMap } from '../model/snapshot.ts'

/** How long a reading counts if nothing is known to have changed a map. A reading starts two programs. */
const LIFETIME_MS = 5_000
/** How long it counts if a command may have changed a map. A hundred attaches at once change maps all the time. */
const DOUBTFUL_LIFETIME_MS = 500
/** During an outage the maps are read ahead of time, so that a path that returns does not wait for two programs. */
const AHEAD_MS = 3_000

/** A reading in progress. */
interface Reading {
  /** A map was changed after the reading began. */
  isStale: boolean
  /** States that the agent changed meanwhile, which the answer may lack. */
  readonly changed: Map<string, HoldMapState>
  done: Promise<void>
}

/** The hold maps as the kernel reports them, with the agent's own changes since. */
export class HoldMapStates {
  readonly #host: Host
  #states = new Map<string, HoldMapState>()
  #reading: Reading | null = null
  /** The reading that follows it. */
  #next: Promise<void> | null = null
  #readMs = Number.NEGATIVE_INFINITY
  #isDoubtful = false
  /** By map: when the kernel last failed a path. */
  readonly #failedMs = new Map<string, number>()

  constructor(host: Host) {
    this.#host = host
  }

  /** @param fresh read the maps again in any case */
  async states(fresh = false): Promise<ReadonlyMap<string, HoldMapState>> {
    const lifetime = this.#isDoubtful ? DOUBTFUL_LIFETIME_MS : LIFETIME_MS
    if (fresh || monotonicMs() - this.#readMs > lifetime) await this.#read()
    return this.#states
  }

  /** When the last reading began, on the monotonic clock: what the kernel has done since, the states may lack. */
  get readMs(): number {
    return this.#readMs
  }

  /** Begins to read the maps before the last reading is too old. Does not wait. */
  refresh(): void {
    // The next look that needs the maps reads them itself, and reports the error.
    if (monotonicMs() - this.#readMs > AHEAD_MS) void this.#read().catch(() => {})
  }

  /** One reading at a time serves all callers. A reading that began before a change is followed by another one. */
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
    const reading = { isStale: false, changed: new Map(), done: Promise.resolve() }
    this.#reading = reading
    return (reading.done = this.#readNow(reading))
  }

  async #readNow(reading: Reading): Promise<void> {
    const startedMs = monotonicMs()
    this.#isDoubtful = false
    try {
      const states = await readHoldMaps(this.#host)
      this.#states = new Map([...states, ...[...reading.changed].filter(([name]) => states.has(name))])
      if (!reading.isStale) this.#readMs = startedMs
    } finally {
      this.#reading = null
    }
  }

  /** A command may have changed a map. */
  doubt(): void {
    this.#isDoubtful = true
  }

  /** The kernel changed a map on its own: the cached state is wrong. */
  invalidate(): void {
    this.#readMs = Number.NEGATIVE_INFINITY
    if (this.#reading) this.#reading.isStale = true
  }

  /** The kernel failed a path of this map. */
  kernelFailedPath(map: string): void {
    this.#failedMs.set(map, monotonicMs())
    this.invalidate()
  }

  async fail(map: DmMap, devno: string): Promise<void> {
    await failPath(this.#host, map, devno)
    this.#setActive(map.name, devno, false)
  }

  async queue(map: string, on: boolean): Promise<void> {
    await setQueueing(this.#host, { name: map }, on)
    const state = this.#states.get(map)
    if (state) this.#set(map, { ...state, queueing: on })
  }

  /**
   * A path that the map has carries I/O again, unless the kernel has failed it in the meantime: a target that answers may fail
   * the first request, before the step that brought the path back has ended.
   * @param begunMs when that step began
   */
  reinstated(map: DmMap, devno: string, begunMs: number): void {
    if (this.#hasFailedPath(map, begunMs)) this.invalidate()
    else this.#setActive(map.name, devno, true)
  }

  /** A table was loaded with this path and the paths that carried I/O. @param begunMs as of `reinstated` */
  loaded(map: DmMap, devno: string, begunMs: number): void {
    if (this.#hasFailedPath(map, begunMs)) return this.invalidate()
    const paths = this.#states.get(map.name)?.paths ?? []
    const others = paths.filter((path) => path.active && path.devno !== devno)
    this.#set(map.name, { queueing: true, paths: [...others, { devno, active: true }] })
    this.doubt()
  }

  #hasFailedPath({ name }: DmMap, sinceMs: number): boolean {
    return (this.#failedMs.get(name) ?? Number.NEGATIVE_INFINITY) >= sinceMs
  }

  #setActive(map: string, devno: string, active: boolean): void {
    const state = this.#states.get(map)
    if (!state) return
    const paths = state.paths.map((path) => (path.devno === devno ? { devno, active } : path))
    this.#set(map, { ...state, paths })
  }

  #set(map: string, state: HoldMapState): void {
    this.#states.set(map, state)
    this.#reading?.changed.set(map, state)
  }
}

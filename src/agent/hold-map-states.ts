import type { Host } from '../host/host.ts'
import { failPath, readHoldMaps, setQueueing } from '../host/map/hold-map.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import type { DmMap } from '../model/snapshot.ts'

/** How long what was read counts, if nothing else is known to have changed a map: two programs each time. */
const LIFETIME_MS = 5_000
/** When a command may have changed one. A hundred volumes that are attached at once change theirs all the time. */
const DOUBTFUL_LIFETIME_MS = 500
/** In an outage the maps are read again ahead of time: a path that is back does not wait for two programs then. */
const AHEAD_MS = 3_000

/** A reading that is on its way. */
interface Reading {
  /** A map was changed after it began. */
  isStale: boolean
  /** What the agent changed meanwhile, which the answer may not have yet. */
  readonly changed: Map<string, HoldMapState>
  done: Promise<void>
}

/** What the kernel says of the hold maps, and what the agent itself changed since. */
export class HoldMapStates {
  readonly #host: Host
  #states = new Map<string, HoldMapState>()
  #reading: Reading | null = null
  /** The one that follows it. */
  #next: Promise<void> | null = null
  #readMs = Number.NEGATIVE_INFINITY
  #isDoubtful = false

  constructor(host: Host) {
    this.#host = host
  }

  /** @param fresh read them again in any case */
  async states(fresh = false): Promise<ReadonlyMap<string, HoldMapState>> {
    const lifetime = this.#isDoubtful ? DOUBTFUL_LIFETIME_MS : LIFETIME_MS
    if (fresh || performance.now() - this.#readMs > lifetime) await this.#read()
    return this.#states
  }

  /** Reads them before they are too old; nothing waits for it. */
  refresh(): void {
    // The next look that needs them reads them itself, and says what is wrong.
    if (performance.now() - this.#readMs > AHEAD_MS) void this.#read().catch(() => {})
  }

  /** One reading at a time serves all that ask; one that began before a change is followed by another one. */
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
    const startedMs = performance.now()
    this.#isDoubtful = false
    try {
      const states = await readHoldMaps(this.#host)
      this.#states = new Map([...states, ...[...reading.changed].filter(([name]) => states.has(name))])
      if (!reading.isStale) this.#readMs = startedMs
    } finally {
      this.#reading = null
    }
  }

  /** A command may have changed one. */
  doubt(): void {
    this.#isDoubtful = true
  }

  /** The kernel changed one on its own: the cached state is wrong. */
  invalidate(): void {
    this.#readMs = Number.NEGATIVE_INFINITY
    if (this.#reading) this.#reading.isStale = true
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

  /** A path that the map has carries I/O again. */
  reinstated(map: DmMap, devno: string): void {
    this.#setActive(map.name, devno, true)
  }

  /** A table was loaded with this path, and those that carried I/O. */
  loaded(map: DmMap, devno: string): void {
    const paths = this.#states.get(map.name)?.paths ?? []
    const others = paths.filter((path) => path.active && path.devno !== devno)
    this.#set(map.name, { queueing: true, paths: [...others, { devno, active: true }] })
    this.doubt()
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

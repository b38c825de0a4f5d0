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

/** What the kernel says of the hold maps, and what the agent itself changed since. */
export class HoldMapStates {
  readonly #host: Host
  #states = new Map<string, HoldMapState>()
  /** What the agent changed while maps were read, and what was read may not have yet. */
  readonly #changed = new Set<Map<string, HoldMapState>>()
  #reading: Promise<void> | null = null
  #readMs = Number.NEGATIVE_INFINITY
  #isDoubtful = false

  constructor(host: Host) {
    this.#host = host
  }

  /** @param fresh read them again in any case */
  async states(fresh = false): Promise<ReadonlyMap<string, HoldMapState>> {
    const lifetime = this.#isDoubtful ? DOUBTFUL_LIFETIME_MS : LIFETIME_MS
    if (fresh || this.#reading !== null || performance.now() - this.#readMs > lifetime) await this.#read()
    return this.#states
  }

  /** Reads them before they are too old, without a wait. */
  refresh(): void {
    if (performance.now() - this.#readMs > AHEAD_MS) void this.#read()
  }

  /** One reading serves all that ask meanwhile. */
  #read(): Promise<void> {
    if (this.#reading) return this.#reading
    const reading = this.#readNow().finally(() => {
      if (this.#reading === reading) this.#reading = null
    })
    return (this.#reading = reading)
  }

  async #readNow(): Promise<void> {
    const changed = new Map<string, HoldMapState>()
    this.#changed.add(changed)
    this.#isDoubtful = false
    this.#readMs = performance.now()
    try {
      const states = await readHoldMaps(this.#host)
      this.#states = new Map([...states, ...[...changed].filter(([name]) => states.has(name))])
    } finally {
      this.#changed.delete(changed)
    }
  }

  /** A command may have changed one. */
  doubt(): void {
    this.#isDoubtful = true
  }

  /** The kernel changed one on its own: the cached state is wrong. */
  invalidate(): void {
    this.#readMs = Number.NEGATIVE_INFINITY
    // One that is on its way may have begun before.
    this.#reading = null
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
    for (const changed of this.#changed) changed.set(map, state)
  }
}

import type { Host } from '../host/host.ts'
import { failPath, readHoldMaps, setQueueing } from '../host/map/hold-map.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import type { DmMap } from '../model/snapshot.ts'

/** How long what was read counts, if nobody else is known to have changed a map: two programs each time. */
const STALE = 5_000
/** When somebody may have changed one. A hundred volumes that are attached at once change theirs all the time. */
const AT_LEAST = 500

/** What the kernel says of the hold maps, and what the agent itself changed since. */
export class KnownMaps {
  readonly #host: Host
  #states = new Map<string, HoldMapState>()
  #read = Number.NEGATIVE_INFINITY
  #doubtful = false

  constructor(host: Host) {
    this.#host = host
  }

  /** @param fresh read it anew in any case */
  async states(fresh = false): Promise<ReadonlyMap<string, HoldMapState>> {
    if (fresh || performance.now() - this.#read > (this.#doubtful ? AT_LEAST : STALE)) {
      this.#doubtful = false
      this.#read = performance.now()
      this.#states = new Map(await readHoldMaps(this.#host))
    }
    return this.#states
  }

  /** Somebody may have changed one. */
  forget(): void {
    this.#doubtful = true
  }

  /** The kernel changed one by itself: what was read is wrong. */
  stale(): void {
    this.#read = Number.NEGATIVE_INFINITY
  }

  async fail(map: DmMap, devno: string): Promise<void> {
    await failPath(this.#host, map, devno)
    this.#active(map.name, devno, false)
  }

  async queue(map: string, on: boolean): Promise<void> {
    await setQueueing(this.#host, { name: map }, on)
    const state = this.#states.get(map)
    if (state) this.#states.set(map, { ...state, queueing: on })
  }

  /** A path that the map has carries I/O again. */
  reinstated(map: DmMap, devno: string): void {
    this.#active(map.name, devno, true)
  }

  #active(map: string, devno: string, active: boolean): void {
    const state = this.#states.get(map)
    if (!state) return
    const paths = state.paths.map((path) => (path.devno === devno ? { devno, active } : path))
    this.#states.set(map, { ...state, paths })
  }
}

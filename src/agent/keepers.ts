import { findBeside } from '../volumes/holding/holders.ts'
import { tighten } from '../volumes/holding/recovery-timers.ts'
import { holdMapName } from '../host/map/hold-map.ts'
import { readSessions } from '../host/read/sessions.ts'
import type { Attachment } from '../model/attachment.ts'
import type { Iqn } from '../model/iqn.ts'
import type { VolumeName } from '../model/name.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import type { Session } from '../model/snapshot.ts'
import type { CheckedPath } from './identity-checks.ts'
import type { Keeping } from './keeper.ts'
import { Keeper } from './keeper.ts'
import { Scout } from './scout.ts'
import type { Signs } from './signs.ts'

/** All volumes of this node that hang on hold maps. */
export class Keepers {
  readonly #with: Keeping
  readonly #all = new Map<string, Keeper>()
  readonly #scouts = new Map<Iqn, Scout>()

  constructor(keeping: Keeping) {
    this.#with = keeping
  }

  get size(): number {
    return this.#all.size
  }

  /** One of them lacks its map still: after a reboot all do. */
  get isRestoring(): boolean {
    return [...this.#all.values()].some((keeper) => keeper.isRestoring)
  }

  /** Takes up those that are new or changed, and leaves those that are gone. */
  sync(records: readonly Attachment[]): void {
    const names = new Set<string>(records.map(({ name }) => name))
    for (const name of this.#all.keys()) if (!names.has(name)) this.#all.delete(name)
    for (const record of records) {
      const keeper = this.#all.get(record.name)
      if (!keeper) this.#all.set(record.name, new Keeper(this.#with, record))
      else if (keeper.record !== record) {
        keeper.record = record
        keeper.stir()
      }
    }
  }

  /** @param names whose hold notes were written @returns whether by others: somebody gave a hold up */
  noted(names: ReadonlySet<VolumeName>): boolean {
    const others = [...names]
      .flatMap((name) => this.#all.get(name) ?? [])
      .filter((keeper) => keeper.isNoteNew)
    for (const keeper of others) keeper.stir()
    return others.length > 0
  }

  /** Sessions that others needed to wait may have become ours alone. */
  tighten(): void {
    const { host } = this.#with
    const targets = new Set([...this.#all.values()].map(({ record }) => record.request.iqn))
    for (const iqn of targets) tighten(host, readSessions(host.paths, iqn))
  }

  /** Whoever took a disk beside its hold map, by hand or by a rule of udev's: that is said, and its session waits. */
  async watchHolders(): Promise<void> {
    const { host, log } = this.#with
    const records = [...this.#all.values()].map(({ record }) => record)
    for (const { name, text } of await findBeside(host, records)) log.once(name, 'holder', text)
  }

  get signs(): Signs[] {
    return [...this.#all.values()].map(({ signs }) => signs)
  }

  /** Those that need to be looked at. @param states of their maps, where they have just been read */
  restless(changed: ReadonlySet<string>, states: ReadonlyMap<string, HoldMapState> | null): Keeper[] {
    const now = performance.now()
    return [...this.#all.values()].filter(
      (keeper) => keeper.isDue(now, changed) || (states !== null && !keeper.agrees(states)),
    )
  }

  /** Looks at them; what was read of a target's sessions serves all of its volumes. */
  async tend(restless: readonly Keeper[]): Promise<void> {
    const { host, maps, log } = this.#with
    const states = await maps.states()
    const sessions = new Map<Iqn, readonly Session[]>()
    const tended = restless.map((keeper) => {
      const { iqn } = keeper.record.request
      const read = sessions.get(iqn) ?? readSessions(host.paths, iqn)
      sessions.set(iqn, read)
      return keeper
        .tend(states, read)
        .catch((error: unknown) => log.once(keeper.record.name, 'tend', String(error)))
    })
    await Promise.all(tended)
    this.#scout()
  }

  /** The paths that carry I/O, to be asked which volume answers. */
  checkedPaths(): CheckedPath[] {
    return [...this.#all.values()].flatMap((keeper) =>
      keeper.carrying.map((path) => ({
        record: keeper.record,
        disk: path.disk,
        lose: (error, moved) => keeper.lose(path, error, moved),
      })),
    )
  }

  /** The kernel failed a path of one of their maps, or reinstated one. @param map its name */
  pathChanged(map: string): void {
    const keeper = [...this.#all.values()].find(({ record }) => holdMapName(record.name) === map)
    if (!keeper) return
    this.#with.maps.stale()
    keeper.stir()
    this.#with.wake()
  }

  /** Something answers again where they wait for it. */
  stirLost(): void {
    for (const keeper of this.#all.values()) if (!keeper.isWell) keeper.stir()
    this.#with.wake()
  }

  /** For targets that no volume of theirs reaches, other addresses are looked for. */
  #scout(): void {
    const { host, gates, log, signal } = this.#with
    const lost = [...this.#all.values()].filter(({ isLost }) => isLost)
    const byTarget = Map.groupBy(lost, ({ record }) => record.request.iqn)
    for (const iqn of this.#scouts.keys()) if (!byTarget.has(iqn)) this.#scouts.delete(iqn)
    for (const [iqn, volumes] of byTarget) {
      const scout = this.#scouts.get(iqn) ?? new Scout(host, iqn, gates, log, signal)
      this.#scouts.set(iqn, scout)
      void scout
        .look(volumes)
        .catch((error: unknown) => log.once(volumes[0]!.record.name, 'scout', String(error)))
    }
  }
}

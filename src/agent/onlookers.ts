import { queueingMaps } from '../host/map/queueing.ts'
import type { Attachment } from '../model/attachment.ts'
import type { CheckedPath } from './identity-checks.ts'
import type { Keeping } from './keeper.ts'
import { Onlooker } from './onlooker.ts'
import type { Signs } from './signs.ts'

/** How long an answer of the kernel counts, for as many as ask: a program each time. */
const RECENT = 1_000

/** All volumes of this node that somebody else than the agent holds. */
export class Onlookers {
  readonly #with: Keeping
  readonly #all = new Map<string, Onlooker>()
  #isNew = false
  #asked: { readonly at: number; readonly maps: ReturnType<typeof queueingMaps> } | null = null

  constructor(keeping: Keeping) {
    this.#with = keeping
  }

  get size(): number {
    return this.#all.size
  }

  sync(records: readonly Attachment[]): void {
    const names = new Set<string>(records.map(({ name }) => name))
    for (const name of this.#all.keys()) if (!names.has(name)) this.#all.delete(name)
    for (const record of records) {
      const known = this.#all.get(record.name)
      if (known) known.take(record)
      else this.#all.set(record.name, new Onlooker(this.#with, record, () => this.#queueing()))
    }
  }

  /** Looks at those that need it, by themselves: multipathd may be slow to answer, and nobody is to wait for it. */
  look(changed: ReadonlySet<string>): void {
    const now = performance.now()
    for (const [name, one] of this.#all) {
      if (!one.isDue(now, changed)) continue
      void one
        .look()
        .catch((error: unknown) => this.#with.log.once(name, 'look', String(error)))
        .finally(() => (this.#isNew = true))
    }
  }

  #queueing(): ReturnType<typeof queueingMaps> {
    if (this.#asked && performance.now() - this.#asked.at < RECENT) return this.#asked.maps
    const maps = queueingMaps(this.#with.host)
    this.#asked = { at: performance.now(), maps }
    return maps
  }

  /** Whether there may be other signs to follow than when it was last asked. */
  hasNewSigns(): boolean {
    const isNew = this.#isNew
    this.#isNew = false
    return isNew
  }

  /** The disks that carry I/O, to be asked which volume answers. */
  checkedPaths(): CheckedPath[] {
    return [...this.#all.values()].flatMap((onlooker) => onlooker.checkedPaths())
  }

  get signs(): Signs[] {
    return [...this.#all.values()].map(({ signs }) => signs)
  }
}

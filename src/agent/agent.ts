import { mkdirSync, watch } from 'node:fs'
import { join } from 'node:path'

import { asAgent } from '../hold/agent-lock.ts'
import { holdNotes } from '../hold/note.ts'
import { relax, tighten } from '../hold/timers.ts'
import type { Host } from '../host/host.ts'
import { readHoldMaps } from '../host/map/hold-map.ts'
import type { Attachment } from '../model/attachment.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import { attach } from '../volumes/attach/attach.ts'
import { lookAtVolume } from '../volumes/look.ts'
import { readRecords } from '../volumes/records.ts'
import { Keeper } from './keeper.ts'
import { AgentLog } from './log.ts'
import { keepRoom } from './room.ts'
import { Watch } from './watch.ts'

/** How soon a lost session is seen; one system call for each path. */
const PULSE = 200
/** A disk that is deleted by hand may be seen later than a session that is lost. */
const DISKS_EVERY = 5

/** How often all is looked at although nothing shows: two programs, whatever the number of volumes. */
const ROUND = 10_000

/** While volumes wait: how long what was read of the maps counts, if nothing is known to have changed them. */
const STALE = 1_000

export interface AgentOptions {
  /** Ends the agent: it lets go of every volume without touching it. */
  readonly signal: AbortSignal
  readonly write: (line: string) => void
  /** Told once it holds what there is to hold. */
  readonly ready: () => void
  /** Told now and then that it still looks after everything. */
  readonly alive: () => void
}

/**
 * The process that keeps this node's volumes: finds what is there, sees paths lost and brings them back,
 * and attaches again what was attached before a reboot. Killed at any moment, the next one goes on.
 * @throws CONFLICT an agent runs already
 */
export async function runAgent(host: Host, { signal, write, ready, alive }: AgentOptions): Promise<void> {
  const log = new AgentLog(write)
  host.hands.warm()
  await asAgent(host, async () => {
    using watched = new Watch()
    using _ = keepRoom(host, log)
    const keepers = new Map<string, Keeper>()
    resume(host, log, signal)
    using bell = new Bell([join(host.places.records, 'volumes'), holdNotes(host)], signal)
    const maps = new KnownMaps(host)
    const changed = () => {
      maps.forget()
      bell.ring()
    }
    const make = (record: Attachment) => new Keeper(host, record, watched, log, signal, changed)
    let nextRound = 0
    let turn = 0
    for (let isReady = false; !signal.aborted;) {
      const round = performance.now() >= nextRound
      if (round) nextRound = performance.now() + ROUND
      if (bell.rang() || round) syncKeepers(keepers, ourRecords(host), make)
      watched.turn()
      const disks = turn++ % DISKS_EVERY === 0
      const states = round ? await maps.states() : null
      const restless = [...keepers.values()].filter(
        (keeper) => !keeper.isWell(disks || round) || (states !== null && !keeper.agrees(states)),
      )
      if (restless.length > 0) {
        const known = await maps.states()
        const tended = restless.map((keeper) =>
          keeper.tend(known).catch((error: unknown) => log.once(keeper.record.name, 'tend', String(error))),
        )
        await Promise.all(tended)
        watched.keep(new Set([...keepers.values()].flatMap(({ signs }) => signs)))
      }
      if (round) {
        for (const iqn of new Set([...keepers.values()].map(({ record }) => record.request.iqn)))
          tighten(host, iqn)
        alive()
      }
      if (!isReady) {
        isReady = true
        log.say(null, `ready: ${keepers.size} ${keepers.size === 1 ? 'volume' : 'volumes'} on hold maps`)
        ready()
      }
      await bell.within(PULSE)
    }
    relax(host, ourRecords(host))
  })
}

/** What the kernel says of the maps; read again when something changed them, and now and then. */
class KnownMaps {
  readonly #host: Host
  #states: ReadonlyMap<string, HoldMapState> | null = null
  #read = 0

  constructor(host: Host) {
    this.#host = host
  }

  async states(): Promise<ReadonlyMap<string, HoldMapState>> {
    if (!this.#states || performance.now() - this.#read > STALE) {
      this.#states = await readHoldMaps(this.#host)
      this.#read = performance.now()
    }
    return this.#states
  }

  forget(): void {
    this.#states = null
  }
}

/** Volumes that hang on a hold map. */
function ourRecords(host: Host): Attachment[] {
  return readRecords(host).attachments.filter(({ mode, phase }) => mode === 'map' && phase === 'ready')
}

function syncKeepers(
  keepers: Map<string, Keeper>,
  records: readonly Attachment[],
  make: (record: Attachment) => Keeper,
): void {
  for (const name of keepers.keys()) if (!records.some((record) => record.name === name)) keepers.delete(name)
  for (const record of records) {
    const keeper = keepers.get(record.name)
    if (keeper) keeper.record = record
    else keepers.set(record.name, make(record))
  }
}

/** What is held by its session, or by multipathd, needs no agent; only after a reboot is it to be attached again. */
function resume(host: Host, log: AgentLog, signal: AbortSignal): void {
  for (const record of readRecords(host).attachments) {
    if (record.phase !== 'ready' || record.mode === 'map') continue
    if (lookAtVolume(host, record.request).sessions.some(({ disk }) => disk)) continue
    void attach(host, record.request, { observer: log.observer, signal })
      .then(() => log.say(record.name, 'attached again'))
      .catch((error: unknown) => log.say(record.name, `not attached again: ${(error as Error).message}`))
  }
}

/** Wakes the agent when a record or a note changes; else after a while. */
class Bell {
  #rang = true
  #wake = () => {}
  readonly #watchers

  constructor(directories: readonly string[], signal: AbortSignal) {
    const ring = () => this.ring()
    this.#watchers = directories.map((directory) => {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      return watch(directory, ring).on('error', () => {})
    })
    signal.addEventListener('abort', ring, { once: true })
  }

  ring(): void {
    this.#rang = true
    this.#wake()
  }

  /** Whether it rang since it was last asked. */
  rang(): boolean {
    const rang = this.#rang
    this.#rang = false
    return rang
  }

  async within(milliseconds: number): Promise<void> {
    if (this.#rang) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, milliseconds)
    await promise
    clearTimeout(timer)
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close()
  }
}

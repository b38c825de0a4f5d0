import { join } from 'node:path'

import { asAgent } from '../state/records/agent-lock.ts'
import { endQueueing, readLastGrace, removeLastGrace } from '../state/records/shutdown-grace.ts'
import { holdNotes } from '../state/records/hold-note.ts'
import { lengthen, relax } from '../volumes/holding/recovery-timers.ts'
import type { Host } from '../host/host.ts'
import { findHoldMap } from '../host/map/hold-map.ts'
import { keepUdevOff } from '../host/map/udev-rule.ts'
import { isShuttingDown } from '../host/shutdown.ts'
import type { Attachment } from '../model/attachment.ts'
import { asAsked } from '../model/attachment.ts'
import { attach } from '../volumes/attach/attach.ts'
import { lookAtVolume } from '../state/view/volume.ts'
import { isOfAnotherMachine } from '../state/view/machine.ts'
import { readRecords } from '../state/records/volumes.ts'
import { adoptRecords } from './adopt.ts'
import { Bell } from './bell.ts'
import { Census } from './census.ts'
import { Gates } from './gate.ts'
import { IdentityChecks } from './identity-checks.ts'
import { followHints } from './kernel-events.ts'
import { Keepers } from './keepers.ts'
import { KnownMaps } from './known-maps.ts'
import type { Keeping } from './keeper.ts'
import { AgentLog } from './log.ts'
import { Onlookers } from './onlookers.ts'
import { Room } from './room.ts'
import { together } from './signs.ts'
import { Watch } from './watch.ts'

/** How soon a lost session is seen; two system calls for each session. */
const PULSE = 200
/** A disk that is deleted by hand may be seen later than a session that is lost: turns. */
const COUNT_EVERY = 10
/** One that is there, and out of order while its session is not, later still. */
const DISKS_EVERY = 25

/** How often all is looked at although nothing shows; it says that it lives, well within WatchdogSec of its unit. */
const ROUND = 20_000
/** Rounds in which the kernel is asked for each map, which somebody may have told not to queue: two programs. */
const SURVEY_EVERY = 3

/**
 * How long a boot waits for volumes that cannot be attached again: a storage machine that is switched on with this
 * one needs that long. Well within systemd's 90 s for a start (DefaultTimeoutStartSec).
 */
const RESTORE = 30_000

export interface AgentOptions {
  /** Ends the agent: it lets go of every volume without touching it. */
  readonly signal: AbortSignal
  readonly write: (line: string) => void
  /** Told once it holds what there is to hold. */
  readonly ready: () => void
  /** Told once what a reboot took away is attached again, or after a while in which it could not be. */
  readonly restored: () => void
  /** Told now and then that it still looks after everything. */
  readonly alive: () => void
}

/**
 * The process that keeps this node's volumes: finds what is there, sees paths lost and brings them back,
 * and attaches again what was attached before a reboot. Killed at any moment, the next one goes on.
 * @throws CONFLICT an agent runs already
 */
export async function runAgent(host: Host, options: AgentOptions): Promise<void> {
  const { signal, write, ready, restored, alive } = options
  const log = new AgentLog(write)
  host.hands.warm()
  await asAgent(host, async () => {
    using watch = new Watch()
    using room = new Room(host, log)
    const directories = { records: join(host.places.records, 'volumes'), notes: holdNotes(host) }
    using bell = new Bell(directories, signal)
    const census = new Census(host)
    const maps = new KnownMaps(host)
    const gates = new Gates(host, signal)
    const keeping: Keeping = {
      host,
      maps,
      gates,
      log,
      signal,
      wake: () => bell.wake(),
      volumes: () => keepers.size,
    }
    const keepers = new Keepers(keeping)
    const checks = new IdentityChecks(host, ({ name }, message) => log.once(name, 'identity', message))
    followHints(
      host,
      { pathChanged: (map) => keepers.pathChanged(map), lunChanged: () => checks.hurry() },
      signal,
    )
    const onlookers = new Onlookers({ ...keeping, volumes: () => onlookers.size })
    removeLastGrace(host)
    await keepUdevOff(host)
    await adoptRecords(host, signal)
    const resuming = resume(host, log, signal)
    const patience = performance.now() + RESTORE
    let isRestored = false
    let diskSigns: ReadonlySet<string> = new Set()
    let nextRound = 0
    let rounds = 0
    for (let turn = 0; !signal.aborted; turn++) {
      const round = performance.now() >= nextRound
      const survey = round && rounds++ % SURVEY_EVERY === 0
      if (round) nextRound = performance.now() + ROUND
      const { records, notes, unknown } = bell.rung()
      if (notes.size > 0 || unknown) room.stir()
      // Whoever changes a record or a note changes its map, too.
      if (keepers.noted(notes) || records.size > 0 || unknown) maps.forget()
      if (records.size > 0 || unknown || round) {
        const all = readRecords(host).attachments
        keepers.sync(onHoldMaps(host, all))
        onlookers.sync(heldByOthers(host, all))
        keepers.tighten()
        if (round) void keepers.watchHolders().catch((error: unknown) => log.say(null, String(error)))
        lengthenAll(host, all, log)
      }
      const disks = (turn % COUNT_EVERY === 0 && census.changed()) || turn % DISKS_EVERY === 0 || round
      const changed = watch.changes((sign) => disks || !diskSigns.has(sign))
      onlookers.look(changed)
      const restless = keepers.restless(changed, survey ? await maps.states(true) : null)
      if (restless.length > 0) await keepers.tend(restless)
      if (onlookers.hasNewSigns() || restless.length > 0) {
        const signs = together([...keepers.signs, ...onlookers.signs])
        diskSigns = new Set(signs.disks)
        watch.follow([...signs.sessions, ...signs.disks])
      }
      checks.turn(() => [...keepers.checkedPaths(), ...onlookers.checkedPaths()])
      gates.ask(() => keepers.stirLost())
      if (round) alive()
      if (turn === 0) {
        log.say(null, `ready: ${keepers.size} ${keepers.size === 1 ? 'volume' : 'volumes'} on hold maps`)
        ready()
      }
      if (!isRestored && (performance.now() > patience || !(resuming.size > 0 || keepers.isRestoring))) {
        isRestored = true
        restored()
      }
      await bell.within(PULSE)
    }
    // In a container it is told by nothing but its own end.
    if (readLastGrace(host) || (await isShuttingDown(host))) await endQueueing(host)
    else relax(host, onHoldMaps(host, readRecords(host).attachments))
  })
}

/** What is held by its session alone needs the agent for this: others lower the timer under it. */
function lengthenAll(host: Host, all: readonly Attachment[], log: AgentLog): void {
  for (const record of all) {
    if (record.mode !== 'session' || record.phase !== 'ready') continue
    for (const { sid, recoveryTmo } of lengthen(host, record))
      log.say(record.name, `session ${sid} waited ${recoveryTmo} s only: made as long as its hold again`)
  }
}

/** Volumes that hang on a hold map; after a reboot, also those that shall get it back. */
function onHoldMaps(host: Host, all: readonly Attachment[]): Attachment[] {
  return all.filter(
    (record) =>
      record.mode === 'map' &&
      record.phase === 'ready' &&
      (mayAttach(host, record) || findHoldMap(host, record.name)),
  )
}

/** Of other records somebody has to say first that the volume is to be attached to this machine. */
function mayAttach(host: Host, record: Attachment): boolean {
  return record.orchestrator === undefined && !isOfAnotherMachine(host, record)
}

function heldByOthers(host: Host, all: readonly Attachment[]): Attachment[] {
  return all.filter(
    (record) =>
      (record.mode === 'session' || record.mode === 'multipathd') &&
      record.phase === 'ready' &&
      !isOfAnotherMachine(host, record),
  )
}

/**
 * What is held by its session, or by multipathd, needs no agent; only after a reboot is it to be attached again.
 * @returns those that are being attached; each leaves the set when it is through
 */
function resume(host: Host, log: AgentLog, signal: AbortSignal): ReadonlySet<string> {
  const resuming = new Set<string>()
  for (const record of readRecords(host).attachments) {
    const { name } = record
    if (record.phase !== 'ready') continue
    if (isOfAnotherMachine(host, record)) {
      log.say(
        name,
        'not attached by itself: its record was written on another machine. If no other machine uses the volume any more, run the same attach here',
      )
      continue
    }
    if (record.mode === 'map' || record.orchestrator) continue
    if (lookAtVolume(host, record.request).sessions.some(({ disk }) => disk)) continue
    resuming.add(name)
    void attach(host, asAsked(record), { observer: log.observer, signal })
      .then(() => log.say(name, 'attached again'))
      .catch((error: unknown) => log.say(name, `not attached again: ${(error as Error).message}`))
      .finally(() => resuming.delete(name))
  }
  return resuming
}

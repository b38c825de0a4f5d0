import { basename, join } from 'node:path'

import { monotonicMs } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { findHoldMap } from '../host/map/hold-map.ts'
import { keepUdevOff } from '../host/map/udev-rule.ts'
import { isShuttingDown } from '../host/shutdown.ts'
import type { Attachment } from '../model/attachment.ts'
import type { LogEntry } from '../model/log-entry.ts'
import { recordAct, recordSeen } from '../state/records/history.ts'
import { asAgent } from '../state/records/agent-lock.ts'
import { holdNotes } from '../state/records/hold-note.ts'
import { endQueueing, readShutdownGrace, removeShutdownGrace } from '../state/records/shutdown-grace.ts'
import { readRecords } from '../state/records/volumes.ts'
import { isOfAnotherMachine } from '../state/view/machine.ts'
import { lengthenTimers, relax } from '../volumes/holding/recovery-timers.ts'
import { adoptRecords } from './adopt.ts'
import { AttributePoller } from './attribute-poller.ts'
import { ClockSteps } from './clock-steps.ts'
import { ChangeWatcher } from './change-watcher.ts'
import { DirtyLimitUpdater } from './dirty-limit.ts'
import { HoldMapStates } from './hold-map-states.ts'
import { IDENTITY_CHECK_INTERVAL_MS, IdentityChecks } from './identity-checks.ts'
import { followHints } from './kernel-events.ts'
import { AgentLog } from './log.ts'
import { MovedIo } from './moved-io.ts'
import { PortalProbes } from './portal-probes.ts'
import { reattachAll } from './reattach.ts'
import { restoreFenced } from './restore-fenced.ts'
import { watchShutdown } from './shutdown-watch.ts'
import { Scheduler } from './scheduler.ts'
import { ScsiDeviceList } from './scsi-device-list.ts'
import { VOLUME } from './volume-monitor.ts'
import { VolumeMonitors } from './volume-monitors.ts'
import { together } from './watched-attributes.ts'

/** How often session states are read, at two system calls for each session. During an outage they are read more often. */
const POLL_INTERVAL_MS = 200
const OUTAGE_POLL_INTERVAL_MS = 100
/** It is enough to notice a manually deleted disk later than a lost session. */
const DEVICE_LIST_INTERVAL_MS = 2_000
/** How often the states of disks are read while no disk was added or removed. */
const DISK_STATE_INTERVAL_MS = 5_000
/**
 * How often the agent reads everything even if no change was detected, and sends the watchdog notification: well
 * within the unit's WatchdogSec.
 */
const ROUND_INTERVAL_MS = 20_000
/** How often the maps are read from the kernel, because a user may have disabled their queueing. A reading starts two programs. */
const SURVEY_INTERVAL_MS = 60_000

/**
 * How long a boot waits for volumes that cannot be reattached: a storage machine that is switched on together with
 * this one needs that long. Well within systemd's 90 s for a start (DefaultTimeoutStartSec).
 */
const RESTORE_MS = 30_000

export interface AgentOptions {
  /**
   * Ends the agent: it stops monitoring the volumes, which stay as they are, and sets the recovery timers of their sessions
   * to the hold. While the machine shuts down, it ends all queueing instead.
   */
  readonly signal: AbortSignal
  /** Writes a line to its log. */
  readonly write: (line: string, entry: LogEntry) => void
  /** For the history; null if it is not known. @default null */
  readonly version?: string | null
  /** Called when all existing volumes are monitored. */
  readonly ready: () => void
  /** Called when the volumes that a reboot took away are attached again, or after 30 s if they could not be. */
  readonly restored: () => void
  /** Called every 20 s while the agent works: the watchdog notification. */
  readonly alive: () => void
}

/**
 * The process that keeps this node's volumes: it finds them, notices lost paths and brings them back, and attaches
 * volumes again after a reboot. It may be killed at any moment: the next agent continues.
 * @throws CONFLICT an agent is already running
 */
export async function runAgent(host: Host, options: AgentOptions): Promise<void> {
  host.workers.warm()
  await asAgent(host, async () => {
    await using agent = new Agent(host, options)
    await agent.run()
  })
}

/** Observes the node, and runs what is due: the monitors of the volumes, the polling, the checks. */
class Agent implements AsyncDisposable {
  readonly #host: Host
  readonly #options: AgentOptions
  readonly #log: AgentLog
  readonly #schedule = new Scheduler()
  readonly #poller = new AttributePoller()
  readonly #dirtyLimit: DirtyLimitUpdater
  readonly #changes: ChangeWatcher
  readonly #devices: ScsiDeviceList
  readonly #maps: HoldMapStates
  readonly #probes: PortalProbes
  readonly #monitors: VolumeMonitors
  readonly #checks: IdentityChecks
  readonly #clock = new ClockSteps()
  #diskAttributes: ReadonlySet<string> = new Set()
  /** Turns whose looks at volumes have not ended yet. */
  readonly #turns = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | null = null

  constructor(host: Host, options: AgentOptions) {
    const { signal, write } = options
    this.#host = host
    this.#options = options
    this.#log = new AgentLog(write)
    this.#dirtyLimit = new DirtyLimitUpdater(host, this.#log)
    const directories = { records: join(host.places.records, 'volumes'), notes: holdNotes(host) }
    this.#changes = new ChangeWatcher(directories, () => this.#schedule.now('changes'))
    this.#devices = new ScsiDeviceList(host)
    this.#maps = new HoldMapStates(host)
    this.#probes = new PortalProbes(host, this.#schedule, signal, (iqn) => this.#monitors.opened(iqn))
    const moved = new MovedIo(host)
    this.#monitors = new VolumeMonitors({
      host,
      moved,
      maps: this.#maps,
      probes: this.#probes,
      schedule: this.#schedule,
      log: this.#log,
      signal,
    })
    this.#checks = new IdentityChecks(host, moved, ({ name }, message) =>
      this.#log.once(name, 'identity', message),
    )
  }

  async run(): Promise<void> {
    const { signal, ready, restored } = this.#options
    const host = this.#host
    const hints = {
      pathChanged: (map: string, to: 'failed' | 'active') => this.#monitors.pathChanged(map, to),
      lunChanged: () => this.#schedule.now('identity'),
      listening: () => {
        this.#schedule.now('survey')
        this.#schedule.now('identity')
      },
    }
    followHints(host, hints, signal)
    host.witnesses.onBack = () => this.#monitors.witnessBack()
    removeShutdownGrace(host)
    using _ = watchShutdown(host, (seconds) => {
      this.#log.say(null, `the machine is shutting down: I/O is held for at most ${seconds} s from now on`)
      this.#monitors.lookAtAll()
    })
    recordAct(host, null, { event: 'agent-started', version: this.#options.version ?? null })
    await keepUdevOff(host)
    restoreFenced(host, this.#log)
    await adoptRecords(host, signal)
    const reattaching = reattachAll(host, this.#log, signal)
    for (const key of ['changes', 'round', 'survey', 'devices', 'disks', 'poll']) this.#schedule.now(key)
    // The agent monitors the existing volumes before it reports that it is ready.
    await this.#turn()
    this.#schedule.now('identity')
    const count = this.#monitors.onHoldMaps
    this.#log.say(null, `ready: ${count} ${count === 1 ? 'volume' : 'volumes'} on hold maps`)
    ready()
    const patienceMs = monotonicMs() + RESTORE_MS
    for (let isRestored = false; !signal.aborted;) {
      if (
        !isRestored &&
        (monotonicMs() > patienceMs || !(reattaching.size > 0 || this.#monitors.isRestoring))
      ) {
        isRestored = true
        restored()
      }
      await this.#schedule.wait(signal)
      this.#beginTurn()
      if (this.#failure) throw this.#failure.error
    }
    // A look in progress must not enable a map's queueing after it is disabled below.
    await Promise.all(this.#turns)
    this.#monitors.leaveAll()
    recordAct(host, null, { event: 'agent-stopped' })
    // In a container, the agent learns of a shutdown only from being stopped.
    if (readShutdownGrace(host) || (await isShuttingDown(host))) await endQueueing(host)
    else relax(host, onHoldMaps(host, readRecords(host).attachments))
  }

  /** A look at a volume may wait for a program; looks at other volumes do not wait with it. */
  #beginTurn(): void {
    const turn = this.#turn()
      .catch((error: unknown) => {
        this.#failure ??= { error }
        this.#schedule.now('failure')
      })
      .finally(() => this.#turns.delete(turn))
    this.#turns.add(turn)
  }

  /** Does what is due. @returns when the looks at volumes that this turn began have ended */
  async #turn(): Promise<void> {
    const nowMs = monotonicMs()
    const due = this.#schedule.takeDue(nowMs)
    const isRound = this.#isDue(due, 'round', ROUND_INTERVAL_MS)
    if (due.has('changes') || isRound) this.#takeChanges(isRound)
    if (this.#isDue(due, 'survey', SURVEY_INTERVAL_MS)) void this.#survey()
    const isListDue = this.#isDue(due, 'devices', DEVICE_LIST_INTERVAL_MS)
    const disks = (isListDue && this.#devices.changed()) || this.#isDue(due, 'disks', DISK_STATE_INTERVAL_MS)
    const pollMs = this.#monitors.isAnyUnsettled ? OUTAGE_POLL_INTERVAL_MS : POLL_INTERVAL_MS
    if (this.#isDue(due, 'poll', pollMs) || disks || isRound) this.#poll(disks || isRound)
    if (this.#monitors.isAnyUnsettled) this.#maps.refresh()
    this.#probes.begin(due)
    if (this.#isDue(due, 'identity', IDENTITY_CHECK_INTERVAL_MS))
      void this.#checks.begin(this.#monitors.checkedPaths())
    // Including volumes whose attributes have changed in this turn.
    await this.#monitors.look(new Set([...due, ...this.#schedule.takeDue(nowMs, VOLUME)]))
    this.#probes.follow(this.#monitors.probes)
    if (isRound) this.#watchClock()
    if (isRound) this.#options.alive()
  }

  /** Reports a step of the wall clock, because times in logs and history use it. Holds count by the monotonic clock. */
  #watchClock(): void {
    const seconds = this.#clock.take(Date.now(), monotonicMs())
    if (seconds === 0) return
    recordSeen(this.#host, null, { event: 'clock-stepped', seconds })
    const how = `${Math.abs(seconds)} s ${seconds < 0 ? 'back' : 'forward'}`
    this.#log.say(null, `the wall clock was set ${how}, or the machine was suspended; holds are not affected`)
  }

  #isDue(due: ReadonlySet<string>, key: string, intervalMs: number): boolean {
    this.#schedule.by(key, monotonicMs() + intervalMs)
    return due.has(key)
  }

  #takeChanges(isRound: boolean): void {
    const { records, notes, unknown } = this.#changes.take()
    if (notes.size > 0 || unknown) this.#dirtyLimit.check()
    // A command that changes a record or a note may change the map, too.
    if (this.#monitors.noted(notes) || records.size > 0 || unknown) this.#maps.doubt()
    if (records.size === 0 && !unknown && !isRound) return
    const { attachments: all, corrupt } = readRecords(this.#host)
    const unreadable = new Map(corrupt.map(({ path, reason }) => [basename(path, '.json'), reason]))
    for (const [name, reason] of unreadable) this.#log.once(name, 'record', reason)
    this.#monitors.sync([...onHoldMaps(this.#host, all), ...heldByOthers(this.#host, all)], unreadable)
    this.#monitors.shortenTimers()
    if (isRound)
      void this.#monitors.watchHolders().catch((error: unknown) => this.#log.say(null, String(error)))
    lengthenAll(this.#host, all, this.#log)
  }

  async #survey(): Promise<void> {
    try {
      this.#monitors.compare(await this.#maps.states(true))
    } catch (error) {
      this.#log.once('node', 'survey', String(error))
    }
  }

  #poll(disks: boolean): void {
    const attributes = together(this.#monitors.attributes)
    this.#diskAttributes = new Set(attributes.disks)
    this.#poller.follow([...attributes.sessions, ...attributes.disks])
    this.#monitors.react(this.#poller.changes((path) => disks || !this.#diskAttributes.has(path)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#poller[Symbol.dispose]()
    this.#dirtyLimit[Symbol.dispose]()
    this.#changes[Symbol.dispose]()
  }
}

/** multipathd may lower the recovery timer of a session that holds a volume without a map: the agent restores it. */
function lengthenAll(host: Host, all: readonly Attachment[], log: AgentLog): void {
  for (const record of all) {
    if (record.mode !== 'session' || record.phase !== 'ready') continue
    for (const { sid, recoveryTmo } of lengthenTimers(host, record))
      log.say(
        record.name,
        `session ${sid}: recovery timer was lowered to ${recoveryTmo} s; restored to the hold`,
      )
  }
}

/**
 * Volumes on a hold map; after a reboot, also volumes whose map has not been created yet. Volumes whose detach has
 * begun are included: if the detach was killed, the file system may still write.
 */
function onHoldMaps(host: Host, all: readonly Attachment[]): Attachment[] {
  return all.filter(
    (record) =>
      record.mode === 'map' &&
      record.phase !== 'attaching' &&
      ((record.phase === 'ready' && mayAttach(host, record)) || findHoldMap(host, record.name)),
  )
}

/** For other records, a user must first confirm that the volume may be attached to this machine. */
function mayAttach(host: Host, record: Attachment): boolean {
  return record.orchestrator === undefined && !isOfAnotherMachine(host, record)
}

function heldByOthers(host: Host, all: readonly Attachment[]): Attachment[] {
  return all.filter(
    (record) =>
      (record.mode === 'session' || record.mode === 'multipathd') &&
      record.phase !== 'attaching' &&
      !isOfAnotherMachine(host, record),
  )
}

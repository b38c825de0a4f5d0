import { holdMapName } from '../host/map/hold-map.ts'
import { readSessions } from '../host/read/sessions.ts'
import type { Attachment } from '../model/attachment.ts'
import type { Iqn } from '../model/iqn.ts'
import type { VolumeName } from '../model/name.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import type { Session } from '../model/snapshot.ts'
import { formatPortal } from '../model/portal.ts'
import { findBeside } from '../volumes/holding/holders.ts'
import { shortenTimers } from '../volumes/holding/recovery-timers.ts'
import type { AgentContext, HoldBackend } from './backends/backend.ts'
import { holdMapBackend } from './backends/hold-map.ts'
import { watchedBackend } from './backends/watched.ts'
import type { CheckedPath } from './identity-checks.ts'
import { PortalDiscovery } from './portal-discovery.ts'
import type { WantedPortal } from './portal-probes.ts'
import { VolumeMonitor } from './volume-monitor.ts'
import type { WatchedAttributes } from './watched-attributes.ts'

/** The monitors of all volumes of this node. */
export class VolumeMonitors {
  readonly #context: AgentContext
  readonly #holdMap: HoldBackend
  readonly #watched: HoldBackend
  readonly #all = new Map<VolumeName, VolumeMonitor>()
  readonly #discoveries = new Map<Iqn, PortalDiscovery>()

  constructor(context: Omit<AgentContext, 'volumes' | 'searchPortals'>) {
    this.#context = {
      ...context,
      volumes: (record) => this.#like(record).length,
      searchPortals: (iqn) => this.#searchPortals(iqn),
    }
    this.#holdMap = holdMapBackend(this.#context)
    this.#watched = watchedBackend(this.#context)
  }

  /** How many volumes are on hold maps. */
  get onHoldMaps(): number {
    return this.#onHoldMaps().length
  }

  /** Whether a volume still lacks its map, as all do after a reboot. */
  get isRestoring(): boolean {
    return this.#onHoldMaps().some(({ isRestoring }) => isRestoring)
  }

  /** Whether I/O of a volume is held, or a volume lacks a path. */
  get isAnyUnsettled(): boolean {
    return this.#onHoldMaps().some(({ isSettled }) => !isSettled)
  }

  /**
   * Starts monitoring volumes that are new or changed, and stops monitoring those that are gone.
   * @param unreadable names of records that cannot be read now: their volumes are watched as before
   */
  sync(records: readonly Attachment[], unreadable: ReadonlyMap<string, unknown> = new Map()): void {
    const names = new Set(records.map(({ name }) => name))
    for (const name of this.#all.keys()) if (!names.has(name) && !unreadable.has(name)) this.#leave(name)
    for (const record of records) {
      const known = this.#all.get(record.name)
      if (known && known.record.mode !== record.mode) this.#leave(record.name)
      const monitor = this.#all.get(record.name)
      if (!monitor) {
        const backend = record.mode === 'map' ? this.#holdMap : this.#watched
        this.#all.set(record.name, new VolumeMonitor(this.#context, backend, record))
      } else if (monitor.record !== record) {
        monitor.record = record
        monitor.lookNow()
      }
    }
  }

  #leave(name: VolumeName): void {
    const monitor = this.#all.get(name)!
    this.#context.schedule.forget(monitor.key)
    monitor.leave()
    this.#all.delete(name)
  }

  /** The agent ends: the volumes stay as they are. */
  leaveAll(): void {
    for (const monitor of this.#monitors()) monitor.leave()
  }

  /**
   * Looks at the volumes whose notes others wrote: a command gave a hold up, or found that another node has the volume.
   * @param names volumes whose hold notes were written @returns whether one of them is on a hold map
   */
  noted(names: ReadonlySet<VolumeName>): boolean {
    const others = [...names]
      .flatMap((name) => this.#all.get(name) ?? [])
      .filter((monitor) => monitor.isNoteChangedByOthers())
    for (const monitor of others) monitor.lookNow()
    return others.some(({ record }) => record.mode === 'map')
  }

  /** Lowers recovery timers to 0 if only hold maps use the session now. */
  shortenTimers(): void {
    const { host } = this.#context
    const targets = new Set(this.#onHoldMaps().map(({ record }) => record.request.iqn))
    for (const iqn of targets) shortenTimers(host, readSessions(host.paths, iqn))
  }

  /** Reports devices that a user or a udev rule created on a disk beside its hold map, and lengthens the session's timer. */
  async watchHolders(): Promise<void> {
    const { host, log } = this.#context
    const records = this.#onHoldMaps().map(({ record }) => record)
    for (const { name, text } of await findBeside(host, records)) log.once(name, 'holder', text)
  }

  get attributes(): WatchedAttributes[] {
    return this.#monitors().map(({ attributes }) => attributes)
  }

  get probes(): WantedPortal[] {
    return this.#monitors().flatMap(({ record, probes }) =>
      probes.flatMap(({ portal, sinceMs }) => {
        const known = record.request.portals.find((one) => formatPortal(one) === portal)
        return known ? [{ iqn: record.request.iqn, portal: known, sinceMs }] : []
      }),
    )
  }

  /** Schedules looks at the volumes whose attributes changed. @param changed paths of attributes */
  react(changed: ReadonlySet<string>): void {
    if (changed.size > 0) for (const monitor of this.#all.values()) monitor.react(changed)
  }

  /** @param states of all hold maps, as they have just been read */
  compare(states: ReadonlyMap<string, HoldMapState>): void {
    for (const monitor of this.#onHoldMaps()) monitor.compare(states.get(holdMapName(monitor.record.name)))
  }

  /** Looks at the volumes that are due. The sessions of a target are read once for all of its volumes. */
  async look(due: ReadonlySet<string>): Promise<void> {
    const { host } = this.#context
    const read = new Map<Iqn, readonly Session[]>()
    const sessions = (iqn: Iqn) => {
      const known = read.get(iqn) ?? readSessions(host.paths, iqn)
      read.set(iqn, known)
      return known
    }
    await Promise.all(this.#monitors().flatMap((one) => (due.has(one.key) ? [one.look(sessions)] : [])))
  }

  /** The paths that carry I/O, to be asked which volume answers. */
  checkedPaths(): CheckedPath[] {
    return this.#monitors().flatMap((monitor) => monitor.checkedPaths())
  }

  /** A path of a map was failed or reinstated. @param map its name */
  pathChanged(map: string, to: 'failed' | 'active'): void {
    const monitor = this.#onHoldMaps().find(({ record }) => holdMapName(record.name) === map)
    if (!monitor) return
    if (to === 'failed') this.#context.maps.pathFailed(map)
    else this.#context.maps.invalidate()
    monitor.lookNow()
  }

  /** A portal of a target accepts logins again. */
  opened(iqn: Iqn): void {
    for (const monitor of this.#onHoldMaps())
      if (monitor.record.request.iqn === iqn && !monitor.isSettled) monitor.lookNow()
  }

  /** The machine shuts down: other deadlines apply. */
  lookAtAll(): void {
    for (const monitor of this.#monitors()) monitor.lookNow()
  }

  /** The source that says who owns a volume can be asked again. */
  witnessBack(): void {
    for (const monitor of this.#onHoldMaps()) if (!monitor.isSettled) monitor.lookNow()
  }

  #searchPortals(iqn: Iqn): void {
    const { host, probes, log, signal } = this.#context
    // An address is recorded only for volumes that are ready.
    const lost = this.#onHoldMaps().filter(
      ({ record, isLost }) => record.request.iqn === iqn && record.phase === 'ready' && isLost,
    )
    if (lost.length === 0) return
    const discovery = this.#discoveries.get(iqn) ?? new PortalDiscovery(host, iqn, probes, log, signal)
    this.#discoveries.set(iqn, discovery)
    void discovery
      .search(lost)
      .catch((error: unknown) => log.once(lost[0]!.record.name, 'search', String(error)))
  }

  #monitors(): VolumeMonitor[] {
    return [...this.#all.values()]
  }

  #onHoldMaps(): VolumeMonitor[] {
    return this.#monitors().filter(({ record }) => record.mode === 'map')
  }

  #like(record: Attachment): VolumeMonitor[] {
    return this.#monitors().filter((one) => (one.record.mode === 'map') === (record.mode === 'map'))
  }
}

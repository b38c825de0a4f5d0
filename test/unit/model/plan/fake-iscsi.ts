import type { HoldFacts, Refusal } from '../../../../src/model/plan/hold-facts.ts'

export const PORTALS = ['10.0.0.5:3260', '10.0.0.6:3260'] as const

/** One step of the fake's clock. */
export const TICK_MS = 50
/** iscsid's pause between two attempts (DefaultTime2Wait). */
const RELOGIN_MS = 2_000

export interface FakeSession {
  readonly sid: number
  readonly portal: string
  state: 'LOGGED_IN' | 'FAILED'
  connection: number
  recoversMs: number
  disk: { readonly devno: string; state: string } | null
  /** The connection over which the agent last proved it to be the volume, and since when another one carries I/O. */
  provenConnection: number | null
  unprovenMs: number
}

/** Writes that reached a disk. */
export interface Carried {
  readonly through: FakeSession
  readonly writes: number
}

/** A target with two portals, and what a kernel has of it: sessions, disks, one hold map, and a writer above it. */
export class FakeIscsi {
  nowMs = 1_000_000
  // The target.
  up = [true, true]
  lun: 'volume' | 'foreign' | 'absent' = 'volume'
  owner: 'us' | 'other' | 'silent' = 'us'
  failsIo = false
  // The kernel.
  readonly sessions: FakeSession[] = []
  map: { queueing: boolean; paths: { devno: string; active: boolean }[] } | null
  completed = 0
  /** When each waiting write was started. */
  queued: number[] = []
  errors = 0
  hasUsers = true
  isMounted = true
  isWriting = true
  #sids = 0

  constructor() {
    this.map = { queueing: true, paths: [] }
    for (const portal of PORTALS) {
      const session = this.logIn(portal)
      session.provenConnection = session.connection
      this.map.paths.push({ devno: session.disk!.devno, active: true })
    }
  }

  isUp(portal: string): boolean {
    return this.up[PORTALS.indexOf(portal as (typeof PORTALS)[number])] === true
  }

  byDevno(devno: string): FakeSession | undefined {
    return this.sessions.find(({ disk }) => disk?.devno === devno)
  }

  bySid(sid: number | null): FakeSession | undefined {
    return this.sessions.find((session) => session.sid === sid)
  }

  /** Whether a path carries I/O at this moment. */
  get hasActivePath(): boolean {
    return this.map?.paths.some(({ active }) => active) === true
  }

  /** The disk's answer to the question which volume it is, and whose. */
  answerOf(session: FakeSession): 'proven' | Refusal {
    if (session.state !== 'LOGGED_IN' || !this.isUp(session.portal)) return 'unreachable'
    if (this.lun !== 'volume') return this.lun
    return this.owner === 'us' ? 'proven' : this.owner === 'other' ? 'lost' : 'unknown'
  }

  logIn(portal: string): FakeSession {
    const sid = ++this.#sids
    const session: FakeSession = {
      sid,
      portal,
      state: 'LOGGED_IN',
      connection: 1,
      recoversMs: 0,
      disk: { devno: `8:${sid}`, state: 'running' },
      provenConnection: null,
      unprovenMs: this.nowMs,
    }
    this.sessions.push(session)
    return session
  }

  logOut(sid: number | undefined): void {
    const at = this.sessions.findIndex((session) => session.sid === sid)
    if (at >= 0) this.sessions.splice(at, 1)
  }

  reconnect(session: FakeSession): void {
    session.connection++
    session.unprovenMs = this.nowMs
  }

  dropDisk(sid: number): void {
    const session = this.bySid(sid)
    if (!session?.disk) return
    const { devno } = session.disk
    session.disk = null
    if (this.map) this.map = { ...this.map, paths: this.map.paths.filter((path) => path.devno !== devno) }
  }

  failPath(devno: string): void {
    for (const path of this.map?.paths ?? []) if (path.devno === devno) path.active = false
  }

  /** The path carries I/O again; a newly loaded table queues, and has only paths that carry I/O. */
  usePath(devno: string, how: 'reinstate' | 'load-table'): void {
    if (this.map === null) return
    if (how === 'load-table') {
      const others = this.map.paths.filter((path) => path.devno !== devno && path.active)
      this.map = { queueing: true, paths: [...others, { devno, active: true }] }
    } else for (const path of this.map.paths) if (path.devno === devno) path.active = true
  }

  /** Sessions follow their portals. */
  followPortals(): void {
    for (const session of this.sessions) {
      if (!this.isUp(session.portal)) {
        session.state = 'FAILED'
        if (session.disk) session.disk.state = 'transport-offline'
        session.recoversMs = this.nowMs + RELOGIN_MS
      } else if (session.state === 'FAILED' && this.nowMs >= session.recoversMs) {
        session.state = 'LOGGED_IN'
        this.reconnect(session)
      } else if (session.disk && session.state === 'LOGGED_IN') session.disk.state = 'running'
    }
  }

  /** The writer writes, and the map sends, keeps or fails the writes. @returns null if nothing reached a disk */
  write(): Carried | null {
    const { map } = this
    if (map === null) return null
    if (this.isWriting && this.isMounted && this.hasUsers && this.nowMs % 500 === 0)
      this.queued.push(this.nowMs)
    if (this.queued.length === 0) return null
    for (const path of map.paths) {
      if (!path.active) continue
      const through = this.byDevno(path.devno)
      if (!through || through.state !== 'LOGGED_IN' || this.failsIo || this.lun === 'absent')
        path.active = false
      else return { through, writes: this.#complete() }
    }
    if (!map.queueing) this.errors += this.#complete()
    return null
  }

  #complete(): number {
    const writes = this.queued.length
    this.completed += writes
    this.queued = []
    return writes
  }

  /** The part of the planner's facts that the agent reads from the kernel and from probes. */
  get facts(): Pick<HoldFacts, 'map' | 'mapReadMs' | 'paths' | 'portals' | 'io'> {
    const { map, nowMs } = this
    return {
      map:
        map === null ? 'absent' : { queueing: map.queueing, paths: map.paths.map((path) => ({ ...path })) },
      // The agent reads it again at each kernel event.
      mapReadMs: nowMs,
      paths: this.sessions.flatMap(({ sid, portal, state, connection, disk }) =>
        disk
          ? [
              {
                sid,
                portal,
                devno: disk.devno,
                disk: `sd${sid}`,
                sessionState: state,
                diskState: disk.state,
                connection: String(connection),
              },
            ]
          : [],
      ),
      portals: PORTALS.map((portal) => {
        const serving = this.sessions.filter((session) => session.portal === portal)
        const session = serving.find(({ state }) => state === 'LOGGED_IN') ?? serving[0]
        return {
          portal,
          session: session
            ? { sid: session.sid, state: session.state, disks: 1, isAllHeld: true, isOurs: true }
            : null,
          probe: {
            openSinceMs: this.isUp(portal) ? nowMs : null,
            confirmedMs: nowMs,
            closed: 'refused',
          },
        }
      }),
      io: { completed: this.completed, inFlight: 0 },
    }
  }
}

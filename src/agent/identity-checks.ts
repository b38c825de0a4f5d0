import { checkIdentities } from '../host/disk/quick-check.ts'
import type { Host } from '../host/host.ts'
import { readConnection } from '../host/read/sessions.ts'
import type { Attachment } from '../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../model/errors.ts'
import type { VolumeName } from '../model/name.ts'
import { hasOneWriter } from '../model/request.ts'
import type { ScsiDisk } from '../model/snapshot.ts'
import { askDisk } from '../state/proof/ask.ts'
import { removeOtherKeys } from '../state/proof/own-keys.ts'
import { proveDisks } from '../state/proof/prove.ts'
import { isRegistered } from '../state/records/registrations.ts'
import { isWorkedOnByCommand } from '../state/records/locks.ts'
import { readRecord } from '../state/records/volumes.ts'
import type { MovedIo, VolumePath } from './moved-io.ts'

/**
 * How often each path that carries I/O is asked which volume answers, in milliseconds. If a LUN is swapped while
 * its session stays logged in, nothing else notices: Linux neither asks again nor is notified on that LUN
 * (docs/kernel-notes.md). This is how long I/O may reach another volume.
 */
export const IDENTITY_CHECK_INTERVAL_MS = 5_000

/** A path that carries I/O, and what to do if it leads to another volume. */
export interface CheckedPath extends VolumePath {
  readonly record: Attachment
  /** Whether a command works on the volume. It may change who owns the volume, and asks that itself. */
  readonly isWorkedOn: boolean
  /**
   * @param error IDENTITY_MISMATCH another volume answers · LUN_ABSENT the target has no such LUN · FENCED another node has
   *   the volume · OWNER_UNKNOWN it cannot be determined which node has it
   * @param moved describes the I/O that went through since the volume itself last answered; null if there was none.
   * It is called once nothing more goes through
   */
  lose(error: LunkeeperError, moved: () => string | null): Promise<void>
}

/** How the disks are asked. */
export interface Questions {
  readonly quick: typeof checkIdentities
  readonly full: (host: Host, record: Attachment, disks: readonly ScsiDisk[]) => Promise<unknown>
  /** Only which volume it is. */
  readonly identity: typeof askDisk
  readonly removeOthers: typeof removeOtherKeys
  /** Whether this node's key was registered over the session's present connection. */
  readonly isRegistered: typeof isRegistered
}

const QUESTIONS: Questions = {
  quick: checkIdentities,
  full: proveDisks,
  identity: askDisk,
  removeOthers: removeOtherKeys,
  isRegistered,
}

/** Asks all paths that carry I/O which volume answers: every 5 s, and when the kernel reports a change. */
export class IdentityChecks {
  readonly #host: Host
  readonly #report: (record: Attachment, message: string) => void
  readonly #moved: MovedIo
  readonly #questions: Questions
  /** By session: the paths to check again after the running check, if another check became due meanwhile. */
  readonly #running = new Map<number, readonly CheckedPath[] | null>()
  /** Checks of volumes that no reservation guards: each takes long if the API server does not answer. */
  readonly #asking = new Map<VolumeName, Promise<void>>()
  /** By path: the target's generation counter of keys when they were last read over this connection. */
  readonly #generations = new Map<string, Generation>()
  #round = 0

  constructor(
    host: Host,
    moved: MovedIo,
    report: (record: Attachment, message: string) => void,
    questions = QUESTIONS,
  ) {
    this.#host = host
    this.#moved = moved
    this.#report = report
    this.#questions = questions
  }

  /**
   * Starts a check of all of these paths. A session's disks are asked one after the other. A session that does not
   * answer does not delay the others, and is asked again once it has answered.
   * @returns when the checks that it started have ended
   */
  async begin(all: readonly CheckedPath[]): Promise<void> {
    this.#moved.retain(all)
    const known = new Set(all.map(pathKey))
    for (const key of this.#generations.keys()) if (!known.has(key)) this.#generations.delete(key)
    this.#round++
    const begun: Promise<void>[] = []
    for (const [sid, paths] of Map.groupBy(all, ({ disk }) => disk.sid))
      if (this.#running.has(sid)) this.#running.set(sid, paths)
      else begun.push(this.#check(sid, paths))
    await Promise.all(begun)
    await Promise.all(this.#asking.values())
  }

  async #check(sid: number, first: readonly CheckedPath[]): Promise<void> {
    for (let paths: readonly CheckedPath[] | null = first; paths !== null;) {
      this.#running.set(sid, null)
      try {
        await this.#checkSession(paths)
      } catch (error) {
        for (const { record, disk } of paths)
          this.#report(record, `cannot determine which volume ${disk.name} is: ${String(error)}`)
      }
      paths = this.#running.get(sid) ?? null
    }
    this.#running.delete(sid)
  }

  async #checkSession(paths: readonly CheckedPath[]): Promise<void> {
    const before = paths.map((path) => this.#moved.sample(path))
    const answers = await this.#questions.quick(
      this.#host,
      paths.map((path) => ({
        disk: path.disk,
        wwid: path.record.identity?.wwid ?? null,
        serial: path.record.identity?.serial ?? null,
        fence: path.isWorkedOn ? null : (path.record.fence ?? null),
        generation: this.#generationOf(path),
      })),
    )
    for (const [index, path] of paths.entries()) {
      const answer = answers[index]
      if (answer === 'same' || answer === 'registered') {
        this.#moved.answered(path, before[index]!)
        if (path.isWorkedOn) continue
        if (this.#asksOthers(path)) this.#askOthers(path)
        if (this.#hasReconnected(path)) await this.#lost(path)
        else if (answer === 'registered') await this.#removeOthers(path)
      } else if (answer !== undefined && answer !== 'silent') await this.#lost(path)
    }
  }

  /** A key beside this node's reservation lets another node write. */
  async #removeOthers(path: CheckedPath): Promise<void> {
    const { record, disk } = path
    if (!record.fence) return
    const connection = readConnection(this.#host.paths, disk.sid)
    try {
      const { generation, removed } = await this.#questions.removeOthers(this.#host, record.fence, disk)
      if (generation !== null) this.#generations.set(pathKey(path), { generation, connection })
      for (const node of removed)
        this.#report(
          record,
          `${node} had registered beside this node and could write; its registration was removed`,
        )
    } catch (error) {
      if (!isLunkeeperError(error)) throw error
    }
  }

  /** A target that has restarted counts from 0 again, and may reach the same number. */
  #generationOf(path: CheckedPath): number | null {
    const known = this.#generations.get(pathKey(path))
    const isCurrent = known?.connection === readConnection(this.#host.paths, path.disk.sid)
    return known && isCurrent ? known.generation : null
  }

  /**
   * Over a new connection the reservation may be stale, and a key beside it may be that of the node that has
   * the volume. A hold map's path is asked before it is used, but a session or multipathd resumes I/O without
   * asking.
   */
  #hasReconnected({ record: { name, fence }, disk }: CheckedPath): boolean {
    return fence !== undefined && !this.#questions.isRegistered(this.#host, name, fence.key, disk.sid)
  }

  #askOthers(path: CheckedPath): void {
    const { name } = path.record
    if (!this.#asking.has(name)) this.#asking.set(name, this.#askOne(path))
  }

  async #askOne(path: CheckedPath): Promise<void> {
    try {
      // A source that cannot be asked now does not stop I/O that goes through: it only keeps held I/O from resuming.
      await this.#lost(path, { ignores: 'OWNER_UNKNOWN' })
    } catch (error) {
      this.#report(path.record, `its owner could not be determined: ${String(error)}`)
    } finally {
      this.#asking.delete(path.record.name)
    }
  }

  /**
   * Whether it is time to ask whether another node has mounted a volume that the target does not guard, or whether
   * Kubernetes has given it away.
   */
  #asksOthers({ record: { fence, request, publication } }: CheckedPath): boolean {
    const hasMark = hasOneWriter(request) && request.use.mount !== null
    if (fence || !(hasMark || publication)) return false
    return this.#round % UNGUARDED_CHECK_ROUNDS === 0
  }

  /** Asks again, in full: a single odd answer does not take a path from a volume. */
  async #lost(path: CheckedPath, { ignores }: { ignores?: 'OWNER_UNKNOWN' } = {}): Promise<void> {
    const { record } = path
    const error = await this.#whyNotOurs(path)
    if (error === null || error.code === ignores) return
    try {
      await path.lose(error, () => (error.code === 'IDENTITY_MISMATCH' ? this.#moved.since(path) : null))
    } catch (cause) {
      const message = cause instanceof LunkeeperError ? cause.message : String(cause)
      this.#report(record, `${error.message}, and its path could not be removed: ${message}`)
    }
  }

  /**
   * A detach writes out for minutes, and asks only before that. What it has not written yet must then not be written
   * anywhere. An attach removes a disk that turns out to be another volume itself.
   */
  async #whyStranger({ name }: Attachment, disk: ScsiDisk): Promise<LunkeeperError | null> {
    try {
      const now = readRecord(this.#host, name)
      if (now?.phase !== 'detaching') return null
      const { verdict, error } = await this.#questions.identity(this.#host, disk, now.identity)
      return verdict === 'stranger' ? error : null
    } catch (error) {
      if (isLunkeeperError(error)) return null
      throw error
    }
  }

  /**
   * Asks in full. Reserves the volume again if the target lost the reservation and the other evidence shows that
   * the volume belongs to this node.
   */
  async #whyNotOurs({ record, disk, isWorkedOn }: CheckedPath): Promise<LunkeeperError | null> {
    if (isWorkedOn) return this.#whyStranger(record, disk)
    if (await isChangedByCommand(this.#host, record)) return null
    try {
      await this.#questions.full(this.#host, record, [disk])
      return null
    } catch (error) {
      if (isLunkeeperError(error, ...LOSSES)) return error
      if (isLunkeeperError(error)) return null
      this.#report(record, `cannot determine which volume ${disk.name} is: ${String(error)}`)
      return null
    }
  }
}

/**
 * The superblock of a volume without reservations is compared at a multiple of the check interval, because it takes
 * three calls of a worker process instead of a share of one.
 */
const UNGUARDED_CHECK_ROUNDS = 3

interface Generation {
  readonly generation: number
  readonly connection: string | null
}

const pathKey = ({ record: { name }, disk }: CheckedPath) => `${disk.sid} ${name}`

/** The errors that remove a path from its volume. */
const LOSSES = ['IDENTITY_MISMATCH', 'LUN_ABSENT', 'FENCED', 'OWNER_UNKNOWN'] as const

/**
 * Whether a detach has been running, or has finished, or an attach has registered another key, since the check began.
 * Each asks the disks itself; the volume must not be reserved again after a detach has given the reservation back, and
 * it is not lost because it is reserved under its new key.
 */
async function isChangedByCommand(host: Host, { name, fence }: Attachment): Promise<boolean> {
  try {
    const now = readRecord(host, name)
    if (now === null || now.fence?.isReleasing === true || now.fence?.key !== fence?.key) return true
    return now.phase === 'detaching' && (await isWorkedOnByCommand(host, now))
  } catch (error) {
    // Its volume is watched as before.
    if (isLunkeeperError(error)) return false
    throw error
  }
}

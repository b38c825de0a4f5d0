import { checkIdentities } from '../host/disk/quick-check.ts'
import type { Host } from '../host/host.ts'
import type { Attachment } from '../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../model/errors.ts'
import type { VolumeName } from '../model/name.ts'
import { hasOneWriter } from '../model/request.ts'
import type { ScsiDisk } from '../model/snapshot.ts'
import { removeOtherKeys } from '../state/proof/owner.ts'
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
  readonly removeOthers: typeof removeOtherKeys
  /** Whether this node's key was registered over the session's present connection. */
  readonly isRegistered: typeof isRegistered
}

const QUESTIONS: Questions = {
  quick: checkIdentities,
  full: proveDisks,
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
  /** The target's generation counter of keys when they were last read. */
  readonly #generations = new Map<VolumeName, number>()
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
      paths.map(({ disk, record: { name, identity, fence } }) => ({
        disk,
        wwid: identity?.wwid ?? null,
        serial: identity?.serial ?? null,
        fence: fence ?? null,
        generation: this.#generations.get(name) ?? null,
      })),
    )
    for (const [index, path] of paths.entries()) {
      const answer = answers[index]
      if (answer === 'same' || answer === 'registered') {
        this.#moved.answered(path, before[index]!)
        if (this.#asksOthers(path)) this.#askOthers(path)
        if (this.#hasReconnected(path)) await this.#lost(path)
        else if (answer === 'registered') await this.#removeOthers(path)
      } else if (answer !== undefined && answer !== 'silent') await this.#lost(path)
    }
  }

  /** A key beside this node's reservation lets another node write. */
  async #removeOthers({ record, disk }: CheckedPath): Promise<void> {
    const { name, fence } = record
    if (!fence) return
    try {
      const { generation, removed } = await this.#questions.removeOthers(this.#host, fence, disk)
      if (generation !== null) this.#generations.set(name, generation)
      for (const node of removed)
        this.#report(
          record,
          `${node} had registered beside this node and could write; its registration was removed`,
        )
    } catch (error) {
      if (!isLunkeeperError(error)) throw error
    }
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
      await this.#lost(path)
    } catch (error) {
      this.#report(path.record, `its owner could not be determined: ${String(error)}`)
    } finally {
      this.#asking.delete(path.record.name)
    }
  }

  /** Whether it is time to ask whether another node has mounted a volume that the target does not guard. */
  #asksOthers({ record: { fence, request } }: CheckedPath): boolean {
    if (fence || !hasOneWriter(request) || request.use.mount === null) return false
    return this.#round % UNGUARDED_CHECK_ROUNDS === 0
  }

  /** Asks again, in full: a single odd answer does not take a path from a volume. */
  async #lost(path: CheckedPath): Promise<void> {
    const { record } = path
    const error = await this.#whyNotOurs(path)
    if (error === null) return
    try {
      await path.lose(error, () => (error.code === 'IDENTITY_MISMATCH' ? this.#moved.since(path) : null))
    } catch (cause) {
      const message = cause instanceof LunkeeperError ? cause.message : String(cause)
      this.#report(record, `${error.message}, and its path could not be removed: ${message}`)
    }
  }

  /**
   * Asks in full. Reserves the volume again if the target lost the reservation and the other evidence shows that
   * the volume belongs to this node.
   */
  async #whyNotOurs({ record, disk }: CheckedPath): Promise<LunkeeperError | null> {
    if (await isOnItsWayOff(this.#host, record)) return null
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

/** The errors that remove a path from its volume. */
const LOSSES = ['IDENTITY_MISMATCH', 'LUN_ABSENT', 'FENCED', 'OWNER_UNKNOWN'] as const

/**
 * Whether a detach has been running, or has finished, since the check began. It asks the disks itself, and the
 * volume must not be reserved again after the detach has given the reservation back.
 */
async function isOnItsWayOff(host: Host, { name }: Attachment): Promise<boolean> {
  try {
    const now = readRecord(host, name)
    if (now === null || now.fence?.isReleasing === true) return true
    return now.phase === 'detaching' && (await isWorkedOnByCommand(host, now))
  } catch (error) {
    // Its volume is watched as before.
    if (isLunkeeperError(error)) return false
    throw error
  }
}

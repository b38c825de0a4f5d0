import type { Host } from '../host/host.ts'
import { bringBack, reinstate } from '../hold/return.ts'
import type { Return } from '../hold/return.ts'
import { isAllHeld } from '../volumes/holding/recovery-timers.ts'
import { follow, lunOf } from '../hold/whereabouts.ts'
import { knownChap } from '../host/iscsi/known-chap.ts'
import { countDisks } from '../host/read/disks.ts'
import { isLunkeeperError, LunkeeperError } from '../model/errors.ts'
import type { Portal } from '../model/portal.ts'
import { formatPortal } from '../model/portal.ts'
import type { Session } from '../model/snapshot.ts'
import type { Gate } from './gate.ts'
import type { PathNow } from './path-now.ts'

/** Between two tries while something has just answered. */
const PAUSE = 300
/** Until a disk whose session is back is looked at again. */
const SOON = 50
/** For what does not mend by itself soon: another volume that answers, a map that cannot be made. */
const LONG_PAUSE = 1_000

/**
 * Once its portal takes logins, iscsid is given so long to mend a lost session that has many disks: its own
 * pause between tries is 2 s (DefaultTime2Wait), nothing can be told to shorten it, and making the disks
 * anew takes longer. For few disks a new login is quicker.
 */
const MEND = 3_000
const MANY = 4

/**
 * A session that is back lets its disks go on one by one, in a work queue (scsi_transport_iscsi.c:
 * session_unblock_work): for so long they are waited for, before they are made anew.
 */
const UNBLOCK = 2_000
const BLOCKED: ReadonlySet<string> = new Set(['blocked', 'transport-offline', 'created-blocked'])

/** What a try came to. */
export type Outcome =
  /** It is being tried already, or is not due. */
  | { readonly kind: 'busy' }
  /** Its target does not take logins, or its session may be about to mend. */
  | { readonly kind: 'waits'; readonly why: string | null }
  | { readonly kind: 'reinstated' | 'renewed' }
  /** The volume has another number now; its record says so, and the next look goes there. */
  | { readonly kind: 'moved'; readonly from: number; readonly to: number }
  | { readonly kind: 'failed'; readonly error: Error }

/** One portal of one volume while it carries none of its I/O: tries to bring the path back. */
export class Way {
  readonly portal: Portal
  readonly #host: Host
  /** Looked up each time: a gate at which nobody waits for a while is forgotten, and no longer asked. */
  readonly #gate: () => Gate
  #busy = false
  /** Since when it waits for its gate (milliseconds of the monotonic clock). */
  #waitsSince: number | null = null
  /** It waits for its session, whose return is seen by itself. */
  #mends = false
  /** Since when its session is back, and its disk is not. */
  #upSince: number | null = null
  /** Milliseconds of the monotonic clock. */
  #next = 0
  /** What answers where the volume was is not the volume: it is looked for among all that the target shows. */
  #astray = false

  constructor(host: Host, portal: Portal, gate: () => Gate) {
    this.#host = host
    this.portal = portal
    this.#gate = gate
  }

  /** It is being tried. */
  get isBusy(): boolean {
    return this.#busy
  }

  /** When to look again, in milliseconds of the monotonic clock. */
  get next(): number {
    return this.#next
  }

  /**
   * @param work what it is about
   * @param found the path through this portal, as far as there is one
   * @param session what serves this portal now, as far as something does
   */
  async tried(work: Return, found: PathNow | null, session: Session | null): Promise<Outcome> {
    const isUp = session?.state === 'LOGGED_IN'
    const isDue = performance.now() >= this.#next || (isUp && this.#mends)
    if (this.#busy || !isDue) return { kind: 'busy' }
    this.#mends = false
    const waits = isUp ? this.#unblocks(found) : this.#waits(session)
    if (waits) return waits
    this.#busy = true
    this.#next = 0
    try {
      const moved = this.#astray ? await this.#find(work) : null
      if (moved) return moved
      const known = found?.up && found.inTable ? found.disk : null
      await (known ? reinstate(work, known) : bringBack(work, this.portal))
      this.#astray = false
      return { kind: known ? 'reinstated' : 'renewed' }
    } catch (error) {
      const foreign = isLunkeeperError(error, 'IDENTITY_MISMATCH', 'STALE_DISK', 'LUN_ABSENT')
      // At first at once: it may only have another number.
      this.#next = performance.now() + (foreign ? (this.#astray ? LONG_PAUSE : 0) : PAUSE)
      if (foreign) this.#astray = true
      return { kind: 'failed', error: error as Error }
    } finally {
      this.#busy = false
      this.#waitsSince = null
      this.#upSince = null
    }
  }

  /** Its session is back, and its disk is about to be. */
  #unblocks(found: PathNow | null): Outcome | null {
    if (!found?.inTable || !BLOCKED.has(found.disk.state)) return null
    this.#upSince ??= performance.now()
    if (performance.now() > this.#upSince + UNBLOCK) return null
    this.#next = performance.now() + SOON
    return { kind: 'waits', why: null }
  }

  /** Why it is too early to try; null where the target takes logins and a new one is the way. */
  #waits(session: Session | null): Outcome | null {
    const gate = this.#gate()
    gate.want((this.#waitsSince ??= performance.now()))
    const { openSince } = gate
    if (openSince === null) {
      // Woken when the gate opens.
      this.#next = 0
      return { kind: 'waits', why: gate.closed }
    }
    if (!session || (countDisks(this.#host.paths, session) <= MANY && isAllHeld(this.#host, session)))
      return null
    const left = openSince + MEND - performance.now()
    if (left <= 0) return null
    this.#mends = true
    this.#next = performance.now() + left
    return { kind: 'waits', why: `session ${session.sid} is ${session.state}` }
  }

  /** Looks for the volume among all that the target shows here. @throws IDENTITY_MISMATCH it is not there */
  async #find(work: Return): Promise<Outcome | null> {
    const { record, signal } = work
    const { request } = record
    const known = knownChap(this.#host, request.iqn, request.portals)
    const shown = await this.#gate()
      .luns(known)
      .catch(() => null)
    // A target that does not tell is asked again, LUN by LUN, through the kernel.
    if (shown === null) return null
    const lun = lunOf(record, shown)
    if (lun === null)
      throw new LunkeeperError(
        'IDENTITY_MISMATCH',
        `what ${request.iqn} shows at ${formatPortal(this.portal)} is not the volume expected: none of its ${shown.length} LUNs is`,
      )
    this.#astray = false
    if (lun === request.lun) return null
    await follow(this.#host, record, lun, signal)
    return { kind: 'moved', from: request.lun, to: lun }
  }
}

import type { Host } from '../host/host.ts'
import type { KnownChap } from '../host/iscsi/known-chap.ts'
import { probeTarget } from '../host/iscsi/probe.ts'
import { listLuns } from '../host/iscsi/talk/luns.ts'
import type { SeenLun } from '../host/iscsi/talk/luns.ts'
import { readInitiatorName } from '../host/read/node.ts'
import type { Iqn } from '../model/iqn.ts'
import type { Portal } from '../model/portal.ts'
import { formatPortal } from '../model/portal.ts'

/** Between two questions at one portal. */
const PAUSE = 300
/** Who waits looks in at least this often; a gate that nobody waits at is left alone. */
const WANTED = 6_000
/** How long a list of LUNs counts: a hundred volumes that look for themselves read it once. */
const LIST_COUNTS = 1_000

/** Who asks where this node has no name: no target admits it, and any answer is one. */
const ANYBODY = 'iqn.2026-01.dev.lunkeeper:probe'

/** One portal of one target that is away: whether it serves again is asked once for all volumes behind it. */
export class Gate {
  readonly portal: Portal
  readonly #host: Host
  readonly #iqn: Iqn
  readonly #signal: AbortSignal
  #wanted = 0
  #next = 0
  #openSince: number | null = null
  /** When the last question was put that was answered with yes. */
  #confirmed = 0
  #closed: string | null = null
  #luns: { readonly at: number; readonly who: string | null; readonly list: Promise<SeenLun[]> } | null = null

  constructor(host: Host, iqn: Iqn, portal: Portal, signal: AbortSignal) {
    this.#host = host
    this.#iqn = iqn
    this.portal = portal
    this.#signal = signal
  }

  /** Since when it has been seen to take logins (milliseconds of the monotonic clock); null while it does not. */
  get openSince(): number | null {
    return this.#openSince
  }

  /** Why it is closed, in words; null before it was asked. */
  get closed(): string | null {
    return this.#closed
  }

  /**
   * Somebody waits for it to open.
   * @param since when they lost their path (milliseconds of the monotonic clock): it was open before that
   *   says nothing, and a login at a target that has just gone keeps everybody for 15 s
   */
  want(since: number): void {
    if (this.#confirmed < since) this.#openSince = null
    this.#wanted = performance.now()
  }

  get isWanted(): boolean {
    return performance.now() - this.#wanted < WANTED
  }

  /** Asks, if it is time to. @returns whether it has just opened */
  async ask(): Promise<boolean> {
    if (!this.isWanted || performance.now() < this.#next) return false
    // One question at a time: the next may be asked when this one is answered.
    this.#next = Number.POSITIVE_INFINITY
    const was = this.#openSince
    const asked = performance.now()
    try {
      await probeTarget(this.portal, this.#iqn, this.#initiator, this.#signal)
      this.#confirmed = asked
      this.#openSince ??= performance.now()
    } catch (error) {
      this.#openSince = null
      this.#closed = (error as Error).message
    }
    this.#next = performance.now() + PAUSE
    return was === null && this.#openSince !== null
  }

  /**
   * What the target shows there, by its own word.
   * @param known how this node proves itself: to the volume's own portals, and where plan/offered.ts says so
   * @throws PORTAL_… TARGET_AWAY LOGIN_FAILED CHAP_FAILED
   */
  luns(known: KnownChap | null): Promise<SeenLun[]> {
    const who = known?.chap.username ?? null
    const last = this.#luns
    if (last && last.who === who && performance.now() - last.at < LIST_COUNTS) return last.list
    const list = listLuns({
      portal: this.portal,
      initiator: this.#initiator,
      target: this.#iqn,
      chap: known?.chap ?? null,
      ...(known ? { algorithms: known.algorithms } : {}),
      signal: this.#signal,
    })
    this.#luns = { at: performance.now(), who, list }
    return list
  }

  get #initiator(): string {
    return readInitiatorName(this.#host.paths) ?? ANYBODY
  }
}

/** All gates of this node. */
export class Gates {
  readonly #host: Host
  readonly #signal: AbortSignal
  readonly #all = new Map<string, Gate>()

  constructor(host: Host, signal: AbortSignal) {
    this.#host = host
    this.#signal = signal
  }

  of(iqn: Iqn, portal: Portal): Gate {
    const key = `${iqn} ${formatPortal(portal)}`
    const known = this.#all.get(key)
    if (known) return known
    const gate = new Gate(this.#host, iqn, portal, this.#signal)
    this.#all.set(key, gate)
    return gate
  }

  /** @param opened told of each that opens; it may be in the middle of anything */
  ask(opened: () => void): void {
    for (const [key, gate] of this.#all)
      if (gate.isWanted) void gate.ask().then((isNew) => isNew && opened())
      else this.#all.delete(key)
  }
}

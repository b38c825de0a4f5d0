import { monotonicMs } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import type { KnownChap } from '../host/iscsi/known-chap.ts'
import { probingInitiator, probeTarget } from '../host/iscsi/probe.ts'
import { listLuns } from '../host/iscsi/client/luns.ts'
import type { SeenLun } from '../host/iscsi/client/luns.ts'
import { isLunkeeperError } from '../model/errors.ts'
import type { Iqn } from '../model/iqn.ts'
import type { ProbeResult } from '../model/plan/hold-facts.ts'
import { LUN_LIST_LIFETIME_MS, MAX_PENDING_PROBES, nextProbeMs } from '../model/plan/hold-search.ts'
import type { Portal } from '../model/portal.ts'
import { formatPortal } from '../model/portal.ts'
import type { Scheduler } from './scheduler.ts'

/** A portal of a target. */
export interface TargetPortal {
  readonly iqn: Iqn
  readonly portal: Portal
}

/** A portal whose target a volume has been waiting for since `sinceMs`. Logins that the target accepted earlier prove nothing. */
export interface WantedPortal extends TargetPortal {
  readonly sinceMs: number
}

interface PortalProbe extends TargetPortal {
  /** When the most recent of the waiting volumes began to wait. */
  wantedMs: number
  result: ProbeResult
  /** Probes without an answer yet. */
  pending: number
  /** How long the last answer took. */
  tookMs: number
  readonly stop: AbortController
}

interface LunList {
  readonly atMs: number
  readonly list: Promise<SeenLun[]>
}

/** Probes whether portals of lost targets accept logins: each portal once for all volumes behind it. */
export class PortalProbes {
  readonly #host: Host
  readonly #schedule: Scheduler
  readonly #signal: AbortSignal
  readonly #opened: (iqn: Iqn) => void
  readonly #all = new Map<string, PortalProbe>()
  readonly #lunLists = new Map<string, LunList>()

  /** @param opened called when a portal starts to accept logins */
  constructor(host: Host, schedule: Scheduler, signal: AbortSignal, opened: (iqn: Iqn) => void) {
    this.#host = host
    this.#schedule = schedule
    this.#signal = signal
    this.#opened = opened
  }

  /** What the probe of a portal has seen; null if it is not being probed. */
  resultOf(target: TargetPortal): ProbeResult | null {
    return this.#all.get(keyOf(target))?.result ?? null
  }

  /** Probes exactly these portals. */
  follow(wanted: readonly WantedPortal[]): void {
    const byKey = Map.groupBy(wanted, keyOf)
    for (const [key, probe] of this.#all) {
      if (byKey.has(key)) continue
      this.#all.delete(key)
      this.#schedule.forget(key)
      probe.stop.abort()
    }
    for (const [key, [first, ...others]] of byKey) {
      const wantedMs = Math.max(first!.sinceMs, ...others.map(({ sinceMs }) => sinceMs))
      const probe = this.#all.get(key)
      if (probe && probe.wantedMs >= wantedMs) continue
      if (probe) probe.wantedMs = wantedMs
      else {
        const result = { openSinceMs: null, confirmedMs: -Infinity, closed: null }
        this.#all.set(key, {
          ...first!,
          wantedMs,
          result,
          pending: 0,
          tookMs: 0,
          stop: new AbortController(),
        })
      }
      this.#schedule.now(key)
    }
  }

  /** Starts the probes that are due. @param due keys from the scheduler */
  begin(due: ReadonlySet<string>): void {
    for (const [key, probe] of this.#all) {
      if (!due.has(key)) continue
      const startedMs = monotonicMs()
      this.#schedule.by(
        key,
        nextProbeMs(startedMs, {
          isOpen: isConfirmed(probe),
          portals: this.#all.size,
          tookMs: probe.tookMs,
        }),
      )
      if (probe.pending < MAX_PENDING_PROBES) void this.#ask(probe, startedMs)
    }
  }

  async #ask(probe: PortalProbe, startedMs: number): Promise<void> {
    const { iqn, portal, stop } = probe
    const signal = AbortSignal.any([this.#signal, stop.signal])
    probe.pending++
    try {
      await probeTarget(portal, iqn, this.#initiator, signal)
      const { openSinceMs, confirmedMs } = probe.result
      const isNews = !isConfirmed(probe)
      probe.result = {
        openSinceMs: openSinceMs ?? monotonicMs(),
        confirmedMs: Math.max(confirmedMs, startedMs),
        closed: null,
      }
      if (isNews && !signal.aborted) this.#opened(iqn)
    } catch (error) {
      const isSilent = isLunkeeperError(error, 'PORTAL_SILENT')
      probe.tookMs = isSilent ? 0 : monotonicMs() - startedMs
      // A probe that began before the last answer proves nothing: the target has returned since.
      if (startedMs > probe.result.confirmedMs)
        probe.result = { ...probe.result, openSinceMs: null, closed: (error as Error).message }
    } finally {
      probe.pending--
    }
  }

  /**
   * The LUNs that a target presents at a portal, as it reports them.
   * @param known CHAP credentials: for the volume's own portals, and others that plan/offered.ts allows
   * @throws PORTAL_… TARGET_AWAY LOGIN_FAILED CHAP_FAILED
   */
  luns(target: TargetPortal, known: KnownChap | null): Promise<SeenLun[]> {
    const nowMs = monotonicMs()
    for (const [key, { atMs }] of this.#lunLists)
      if (nowMs - atMs >= LUN_LIST_LIFETIME_MS) this.#lunLists.delete(key)
    const key = `${keyOf(target)} ${known?.chap.username ?? ''}`
    const last = this.#lunLists.get(key)
    if (last) return last.list
    const list = listLuns({
      portal: target.portal,
      initiator: this.#initiator,
      target: target.iqn,
      chap: known?.chap ?? null,
      ...(known ? { algorithms: known.algorithms } : {}),
      signal: this.#signal,
    })
    this.#lunLists.set(key, { atMs: nowMs, list })
    return list
  }

  get #initiator(): string {
    return probingInitiator(this.#host)
  }
}

/** The target accepts logins, according to a probe that began after the last volume began to wait. */
function isConfirmed({ result, wantedMs }: PortalProbe): boolean {
  return result.openSinceMs !== null && result.confirmedMs >= wantedMs
}

function keyOf({ iqn, portal }: TargetPortal): string {
  return `probe ${iqn} ${formatPortal(portal)}`
}

import { setTimeout as sleep } from 'node:timers/promises'

import { Semaphore } from 'async-mutex'

import { addPortal, findLun } from '../hold/relocate.ts'
import { monotonicMs } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { discoveryPortals } from '../host/iscsi/database.ts'
import type { KnownChap } from '../host/iscsi/known-chap.ts'
import { knownChap } from '../host/iscsi/known-chap.ts'
import { listPortals } from '../host/iscsi/client/portals.ts'
import { readInitiatorName } from '../host/read/node.ts'
import type { Attachment } from '../model/attachment.ts'
import type { Iqn } from '../model/iqn.ts'
import {
  MAX_CONCURRENT_ADDRESSES,
  DISCOVERY_INTERVAL_MS,
  MAX_ADDRESSES_NAMED,
  OLD_ADDRESS_FIRST_MS,
} from '../model/plan/hold-search.ts'
import { mayAskOffered } from '../model/plan/offered.ts'
import type { Portal } from '../model/portal.ts'
import { formatPortal, samePortal } from '../model/portal.ts'
import { readRecords } from '../state/records/volumes.ts'
import type { AgentLog } from './log.ts'
import type { PortalProbes } from './portal-probes.ts'

/** A volume as its monitor sees it. */
interface LostVolume {
  readonly record: Attachment
  /** No path carries its I/O now. */
  readonly isLost: boolean
}

/** Searches for another address of a target whose known addresses do not answer: every storage address is asked. */
export class PortalDiscovery {
  readonly #host: Host
  readonly #iqn: Iqn
  readonly #probes: PortalProbes
  readonly #log: AgentLog
  readonly #signal: AbortSignal
  #nextMs = 0

  constructor(host: Host, iqn: Iqn, probes: PortalProbes, log: AgentLog, signal: AbortSignal) {
    this.#host = host
    this.#iqn = iqn
    this.#probes = probes
    this.#log = log
    this.#signal = signal
  }

  /** @param lost the volumes of this target that no known portal serves */
  async search(lost: readonly LostVolume[]): Promise<void> {
    if (monotonicMs() < this.#nextMs) return
    this.#nextMs = Number.POSITIVE_INFINITY
    try {
      const slots = new Semaphore(MAX_CONCURRENT_ADDRESSES)
      const tried = new Set<string>()
      const ask = async (source: Portal) => {
        const named = await slots.runExclusive(() => this.#namedBy(source))
        const fresh = named.flatMap((portal) => {
          const asking = lost.filter(({ record }) => this.#mayAsk(record, { portal, source }))
          const key = [formatPortal(portal), ...asking.map(({ record }) => record.name)].join(' ')
          const isNew = asking.length > 0 && !tried.has(key)
          tried.add(key)
          return isNew ? [{ portal, asking }] : []
        })
        for (const { record } of lost) this.#sayRefused(record, source, named)
        await Promise.all(
          fresh.map(({ portal, asking }) => slots.runExclusive(() => this.#tryOut(portal, asking))),
        )
      }
      await Promise.all(this.#storageAddresses().map(ask))
    } finally {
      this.#nextMs = monotonicMs() + DISCOVERY_INTERVAL_MS
    }
  }

  /** Every storage address that this node knows. */
  #storageAddresses(): Portal[] {
    const { attachments } = readRecords(this.#host)
    const all = [...attachments.flatMap(({ request }) => request.portals), ...discoveryPortals(this.#host)]
    return [...new Map(all.map((portal) => [formatPortal(portal), portal])).values()]
  }

  /** The addresses that one of these portals lists for the target. */
  async #namedBy(portal: Portal): Promise<Portal[]> {
    const initiator = readInitiatorName(this.#host.paths)
    if (initiator === null) return []
    const who = { portal, initiator, chap: null, signal: this.#signal }
    const named = await listPortals(who, this.#iqn).catch(() => [])
    return named.slice(0, MAX_ADDRESSES_NAMED)
  }

  /** Whether an address is new to a volume, and may be asked for it. */
  #mayAsk(record: Attachment, { portal, source }: { portal: Portal; source: Portal }): boolean {
    return isNewTo(record, portal) && mayAskOffered(isOwn(record, source), this.#chapOf(record)?.chap ?? null)
  }

  #sayRefused(record: Attachment, source: Portal, named: readonly Portal[]): void {
    const refused = named.filter(
      (portal) => isNewTo(record, portal) && !this.#mayAsk(record, { portal, source }),
    )
    const [first] = refused.map(formatPortal)
    if (first === undefined) return
    const more = refused.length === 1 ? '' : ` and ${refused.length - 1} more`
    this.#log.once(
      record.name,
      `named by ${formatPortal(source)}`,
      `${formatPortal(source)} lists ${first}${more} for its target; not asked, because that is not one of the volume's own portals, and the target does not authenticate itself (no mutual CHAP). If the address is correct: run lunkeeper attach as before, with --portal ${first} added`,
    )
  }

  #chapOf({ request }: Attachment): KnownChap | null {
    return knownChap(this.#host, request.iqn, request.portals)
  }

  /** A volume adopts an address only if the volume is among the LUNs there: the target's name alone is not enough. */
  async #tryOut(portal: Portal, lost: readonly LostVolume[]): Promise<void> {
    const target = { iqn: this.#iqn, portal }
    const byUser = Map.groupBy(lost, ({ record }) => this.#chapOf(record)?.chap.username ?? null)
    for (const volumes of byUser.values()) {
      const shown = await this.#probes.luns(target, this.#chapOf(volumes[0]!.record)).catch(() => [])
      const here = volumes.filter(({ record }) => findLun(record, shown) !== null)
      if (here.length > 0) await sleep(OLD_ADDRESS_FIRST_MS, undefined, { signal: this.#signal })
      for (const { record } of here.filter((one) => one.isLost && !this.#isServed(one.record))) {
        await addPortal(this.#host, record, portal, this.#signal)
        this.#log.say(
          record.name,
          `its target lists another address, and the volume is there: ${formatPortal(portal)}`,
        )
      }
    }
  }

  /** Whether one of the volume's own portals accepts logins. */
  #isServed({ request }: Attachment): boolean {
    return request.portals.some((portal) => {
      const probe = this.#probes.resultOf({ iqn: this.#iqn, portal })
      return probe !== null && probe.openSinceMs !== null
    })
  }
}

const isNewTo = ({ request }: Attachment, portal: Portal): boolean =>
  !request.portals.some((known) => samePortal(known, portal))

const isOwn = (record: Attachment, portal: Portal): boolean => !isNewTo(record, portal)

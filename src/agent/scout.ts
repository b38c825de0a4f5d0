import { setTimeout as sleep } from 'node:timers/promises'

import { Semaphore } from 'async-mutex'

import { adopt, lunOf } from '../hold/whereabouts.ts'
import type { Host } from '../host/host.ts'
import { discoveryPortals } from '../host/iscsi/database.ts'
import type { KnownChap } from '../host/iscsi/known-chap.ts'
import { knownChap } from '../host/iscsi/known-chap.ts'
import { listPortals } from '../host/iscsi/talk/portals.ts'
import { readInitiatorName } from '../host/read/node.ts'
import type { Attachment } from '../model/attachment.ts'
import type { Iqn } from '../model/iqn.ts'
import { mayAskOffered } from '../model/plan/offered.ts'
import type { Portal } from '../model/portal.ts'
import { formatPortal, samePortal } from '../model/portal.ts'
import { readRecords } from '../state/records/volumes.ts'
import type { Gates } from './gate.ts'
import type { AgentLog } from './log.ts'

/** A target that is away for less is most likely back where it was. */
const AFTER = 3_000
const PAUSE = 3_000
/** One that is back at its old address is there at its others in the same moment: the old one goes first. */
const GRACE = 1_500
/** So many addresses are asked at a time, and so many of what one of them names. */
const AT_ONCE = 16
const MOST_NAMED = 1024

/** A volume as its keeper sees it. */
interface Lost {
  readonly record: Attachment
  readonly isLost: boolean
}

/** Looks for another address of one target whose known ones do not answer: whoever can be asked is asked. */
export class Scout {
  readonly #host: Host
  readonly #iqn: Iqn
  readonly #gates: Gates
  readonly #log: AgentLog
  readonly #signal: AbortSignal
  #next = performance.now() + AFTER

  constructor(host: Host, iqn: Iqn, gates: Gates, log: AgentLog, signal: AbortSignal) {
    this.#host = host
    this.#iqn = iqn
    this.#gates = gates
    this.#log = log
    this.#signal = signal
  }

  /** @param lost the volumes of this target that no known portal serves */
  async look(lost: readonly Lost[]): Promise<void> {
    if (performance.now() < this.#next) return
    this.#next = Number.POSITIVE_INFINITY
    try {
      const slots = new Semaphore(AT_ONCE)
      const tried = new Set<string>()
      const search = async (source: Portal) => {
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
      await Promise.all(this.#storageAddresses().map(search))
    } finally {
      this.#next = performance.now() + PAUSE
    }
  }

  /** Every storage address that this node knows. */
  #storageAddresses(): Portal[] {
    const { attachments } = readRecords(this.#host)
    const all = [...attachments.flatMap(({ request }) => request.portals), ...discoveryPortals(this.#host)]
    return [...new Map(all.map((portal) => [formatPortal(portal), portal])).values()]
  }

  /** Where one of them says that the target is. */
  async #namedBy(portal: Portal): Promise<Portal[]> {
    const initiator = readInitiatorName(this.#host.paths)
    if (initiator === null) return []
    const who = { portal, initiator, chap: null, signal: this.#signal }
    const named = await listPortals(who, this.#iqn).catch(() => [])
    return named.slice(0, MOST_NAMED)
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
      `${formatPortal(source)} names ${first}${more} for its target; not asked, because that is not one of the volume's own portals, and the target does not prove itself (no mutual CHAP). If it is right: run lunkeeper attach as before, with --portal ${first} added`,
    )
  }

  #chapOf({ request }: Attachment): KnownChap | null {
    return knownChap(this.#host, request.iqn, request.portals)
  }

  /** Not for its name alone: a volume takes an address that shows it. */
  async #tryOut(portal: Portal, lost: readonly Lost[]): Promise<void> {
    const gate = this.#gates.of(this.#iqn, portal)
    const byUser = Map.groupBy(lost, ({ record }) => this.#chapOf(record)?.chap.username ?? null)
    for (const volumes of byUser.values()) {
      const shown = await gate.luns(this.#chapOf(volumes[0]!.record)).catch(() => [])
      const here = volumes.filter(({ record }) => lunOf(record, shown) !== null)
      if (here.length > 0) await sleep(GRACE, undefined, { signal: this.#signal })
      for (const { record } of here.filter((one) => one.isLost && !this.#isServed(one.record))) {
        await adopt(this.#host, record, portal, this.#signal)
        this.#log.say(
          record.name,
          `its target names another address, and the volume is there: ${formatPortal(portal)}`,
        )
      }
    }
  }

  /** Whether one of its own portals takes logins. */
  #isServed({ request }: Attachment): boolean {
    return request.portals.some((known) => this.#gates.of(this.#iqn, known).openSince !== null)
  }
}

const isNewTo = ({ request }: Attachment, portal: Portal): boolean =>
  !request.portals.some((known) => samePortal(known, portal))

const isOwn = (record: Attachment, portal: Portal): boolean => !isNewTo(record, portal)

import { setTimeout as sleep } from 'node:timers/promises'

import { adopt, lunOf } from '../hold/whereabouts.ts'
import type { Host } from '../host/host.ts'
import { discoveryPortals } from '../host/iscsi/database.ts'
import { listPortals } from '../host/iscsi/talk/portals.ts'
import { readInitiatorName } from '../host/read/node.ts'
import type { Attachment } from '../model/attachment.ts'
import type { Iqn } from '../model/iqn.ts'
import type { Portal } from '../model/portal.ts'
import { formatPortal, samePortal } from '../model/portal.ts'
import { readRecords } from '../volumes/records.ts'
import type { Gates } from './gate.ts'
import type { AgentLog } from './log.ts'

/** A target that is away for less is most likely back where it was. */
const AFTER = 3_000
const PAUSE = 3_000
/** One that is back at its old address is there at its others in the same moment: the old one goes first. */
const GRACE = 1_500
/** So many addresses are asked, and so many new ones are tried, in one round. */
const MOST = 16

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
      const known = lost.flatMap(({ record }) => record.request.portals)
      const offered = await this.#offered()
      const fresh = offered.filter((portal, index) => {
        const first = offered.findIndex((other) => samePortal(other, portal))
        return first === index && !known.some((other) => samePortal(other, portal))
      })
      await Promise.all(fresh.slice(0, MOST).map((portal) => this.#tryOut(portal, lost)))
    } finally {
      this.#next = performance.now() + PAUSE
    }
  }

  /** Where the target is said to be, by every storage address that this node knows. */
  async #offered(): Promise<Portal[]> {
    const { attachments } = readRecords(this.#host)
    const all = [...attachments.flatMap(({ request }) => request.portals), ...discoveryPortals(this.#host)]
    const asked = new Map(all.map((portal) => [formatPortal(portal), portal]))
    const initiator = readInitiatorName(this.#host.paths)
    if (initiator === null) return []
    const answers = await Promise.allSettled(
      [...asked.values()]
        .slice(0, MOST)
        .map((portal) => listPortals({ portal, initiator, chap: null, signal: this.#signal }, this.#iqn)),
    )
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  }

  /** Not for its name alone: a volume takes an address that shows it. */
  async #tryOut(portal: Portal, lost: readonly Lost[]): Promise<void> {
    const shown = await this.#gates
      .of(this.#iqn, portal)
      .luns()
      .catch(() => [])
    const here = lost.filter(({ record }) => lunOf(record, shown) !== null)
    if (here.length > 0) await sleep(GRACE, undefined, { signal: this.#signal })
    for (const { record } of here.filter((one) => one.isLost && !this.#isServed(one.record))) {
      await adopt(this.#host, record, portal, this.#signal)
      this.#log.say(
        record.name,
        `its target names another address, and the volume is there: ${formatPortal(portal)}`,
      )
    }
  }

  /** Whether one of its own portals takes logins. */
  #isServed({ request }: Attachment): boolean {
    return request.portals.some((known) => this.#gates.of(this.#iqn, known).openSince !== null)
  }
}

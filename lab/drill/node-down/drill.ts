import { setTimeout as sleep } from 'node:timers/promises'

import { Lab } from '../../index.ts'
import { attachKept, KEPT_MOUNT, startAgent } from '../kept.ts'
import { kernelWords } from './kernel-words.ts'
import type { Plan } from './plan.ts'
import type { Drill, Side } from './result.ts'
import type { SideName } from '../volumes.ts'
import { keptOptions, tellPortal } from './commands.ts'
import { repairStock } from './repair-stock.ts'
import { setScene, takeOver } from './scene.ts'
import { attachStock, STOCK_MOUNT } from '../stock.ts'
import { Watch } from './watch.ts'
import { Writer } from '../writer.ts'

/** Receives what the audience is shown. */
export interface Audience {
  /** a new part begins */
  readonly phase: (name: string) => void
  /** several times a second while writers run */
  readonly pulse: (now: Moment) => void
}

/** The state of the drill at one moment. */
export interface Moment {
  readonly plan: Plan
  /** what holds Lunkeeper's volume */
  readonly mode: string
  /** when the storage machine died, in milliseconds since 1970 */
  readonly killed: number | null
  /** when another one started to serve in its place */
  readonly back: number | null
  readonly watch: Watch
  readonly writers: Readonly<Record<SideName, Writer>>
}

/** How long to write before the outage, and after everything that returns is back: long enough to be visible beside the outage. */
const lead = ({ outage }: Plan) => Math.max(3, outage / 20) * 1000
const tail = ({ outage }: Plan) => Math.max(3, outage / 10) * 1000
/** iscsid retries every 2 s, and each attempt takes 15 s at most (its login_timeout); this is twice that. */
const RETURN = 30_000
const PULSE = 200

/**
 * One outage, two writers on one node: one uses stock open-iscsi, the other Lunkeeper. The storage machine is killed;
 * another one takes over its disks.
 */
export async function runDrill(plan: Plan, { phase, pulse }: Audience): Promise<Drill> {
  phase('three kernels boot')
  await using lab = await Lab.open()
  const scene = await setScene(lab, plan)
  const { node, san } = scene
  phase('both volumes are attached')
  await attachStock(node, plan)
  await startAgent(node)
  const { hold } = await attachKept(node, keptOptions(plan))
  const watch = await Watch.start(node)
  const writers = {
    stock: await Writer.start(node, STOCK_MOUNT),
    lunkeeper: await Writer.start(node, KEPT_MOUNT),
  }
  const started = Date.now()
  let outage: Pick<Moment, 'killed' | 'back'> = { killed: null, back: null }

  /** Observes until `enough` returns true, for at most `ms`. */
  async function lookOn(ms: number, enough = (): boolean => false): Promise<void> {
    const end = Date.now() + ms
    for (;;) {
      for (const source of [watch, writers.stock, writers.lunkeeper]) source.listen()
      pulse({ plan, mode: hold.mode, ...outage, watch, writers })
      if (Date.now() >= end || enough()) return
      await sleep(Math.max(0, Math.min(PULSE, end - Date.now())))
    }
  }

  phase('both write')
  await lookOn(lead(plan))
  const killed = Date.now()
  outage = { killed, back: null }
  phase('the storage machine is killed')
  await san.kill()
  await lookOn(plan.outage * 1000 - (Date.now() - killed))
  await takeOver(scene, plan)
  const back = Date.now()
  outage = { killed, back }
  phase('another machine serves their disks')
  const told = Promise.allSettled([plan.takeover === 'address' ? tellPortal(node, plan) : null])
  await lookOn(
    RETURN,
    () =>
      (writers.lunkeeper.acknowledged.at(-1)?.at ?? 0) > back &&
      (plan.takeover === 'address' || watch.sessions.stock.at(-1)?.state === 'LOGGED_IN'),
  )
  const [outcome] = await told
  if (outcome.status === 'rejected') throw outcome.reason
  await lookOn(tail(plan))
  const ended = Date.now()

  phase('what was acknowledged is read back')
  await Promise.all([writers.stock.stop(), writers.lunkeeper.stop()])
  const words = await kernelWords(node, watch.sideOf)
  const kept = await readBack(writers.lunkeeper)
  const broken = writers.stock.refused.length > 0
  const stock = await readBack(writers.stock, async () => {
    if (broken) await repairStock(node, plan)
  })
  return {
    plan,
    kernel: node.kernel,
    mode: hold.mode,
    started,
    killed,
    back,
    ended,
    holding: watch.holding,
    words,
    sides: {
      stock: sideOf(writers.stock, watch, 'stock', { ...stock, repaired: broken }),
      lunkeeper: sideOf(writers.lunkeeper, watch, 'lunkeeper', { ...kept, repaired: false }),
    },
  }
}

type ReadBack = Pick<Side, 'lost' | 'trouble'>

/** If it cannot be read, that is a result, too. */
async function readBack(writer: Writer, first = async (): Promise<void> => undefined): Promise<ReadBack> {
  try {
    await first()
    return { lost: await writer.lost(), trouble: null }
  } catch (error) {
    return { lost: null, trouble: (error as Error).message }
  }
}

function sideOf(writer: Writer, watch: Watch, name: SideName, read: ReadBack & Pick<Side, 'repaired'>): Side {
  const { acknowledged, refused } = writer
  return { acknowledged, refused, sessions: watch.sessions[name], ...read }
}

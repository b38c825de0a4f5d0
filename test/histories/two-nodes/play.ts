import { setTimeout as sleep } from 'node:timers/promises'

import type { AttachmentState, VolumeStatus } from '../../../src/model/attachment.ts'
import { patient } from '../../../lab/machine/pace.ts'
import { Random } from '../random.ts'
import { Violation } from '../violation.ts'
import type { Play } from './act.ts'
import { act, attachSurely, detach } from './act.ts'
import type { TwoNodesOperation } from './history.ts'
import { settingsOf } from './history.ts'
import { Judge } from './judge.ts'
import { Model } from './model.ts'
import { choose, makesSense } from './operations.ts'
import type { WorldOptions } from './world.ts'
import { VOLUME, World } from './world.ts'

export interface Played {
  /** The operations that were carried out, up to the violation. */
  readonly operations: readonly TwoNodesOperation[]
  readonly violation: Violation | null
  readonly ms: number
  /** How many blocks were written. */
  readonly writes: number
  /** How often the volume got another owner, or the same one again. */
  readonly epochs: number
  readonly log: readonly string[]
}

/** How long a volume may take to be usable, or to be known as lost, once everything is right again. */
const RECOVERY_MS = 90_000
const PULSE_MS = 1_000

/** Plays a given history, or makes one up as it goes. */
export async function play(
  options: Omit<WorldOptions, 'settings'>,
  history: { readonly seed: number; readonly operations: readonly TwoNodesOperation[] | number },
  tell: (line: string) => void = () => {},
): Promise<Played> {
  const started = performance.now()
  const settings = settingsOf(history.seed)
  const world = await World.open({ ...options, settings })
  const model = new Model(settings)
  const judge = new Judge(world, model)
  const operations: TwoNodesOperation[] = []
  const log: string[] = []
  const note = (line: string) => {
    log.push(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} ${line}`)
    tell(log.at(-1)!)
  }
  let heard = 0
  const listen = () => {
    world.listen()
    for (const line of world.said.slice(heard)) note(`    ${line}`)
    heard = world.said.length
  }
  const all: Play = { world, model, judge, note }
  const random = new Random(history.seed)
  const known = typeof history.operations === 'number' ? null : history.operations
  const count = known?.length ?? (history.operations as number)
  let violation: Violation | null = null
  note(JSON.stringify(settings))
  try {
    for (let index = 0; index < count; index++) {
      const operation = known ? known[index]! : choose(random, model)
      if (!makesSense(operation, model)) continue
      operations.push(operation)
      note(`${operations.length}. ${words(operation)}`)
      await act(all, operation)
      listen()
      judge.look()
    }
    note('everything is put right')
    await putRight(all)
    await end(all)
  } catch (error) {
    listen()
    if (!(error instanceof Violation)) throw new Error(log.join('\n'), { cause: error })
    violation = error
    note(error.message)
  } finally {
    await world.close()
  }
  return {
    operations,
    violation,
    ms: performance.now() - started,
    writes: model.sequence,
    epochs: model.epoch,
    log,
  }
}

export function words({ kind, ...rest }: TwoNodesOperation): string {
  return [kind, ...Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(' ')
}

/** Does what an administrator would do: repairs everything that is broken, but does not touch Lunkeeper's volumes. */
async function putRight(all: Play): Promise<void> {
  const { model } = all
  for (const { name, away, hasAgent } of model.nodes) {
    if (away === 'cut') await act(all, { kind: 'join', node: name })
    if (away === 'paused') await act(all, { kind: 'resume', node: name })
    if (!hasAgent) await act(all, { kind: 'agent-start', node: name })
  }
  if (!model.targetUp) await act(all, { kind: 'target-up' })
  if (!model.portalUp) await act(all, { kind: 'portal-up' })
}

/**
 * The owner gets its volume back, by a user's decision if the target has forgotten it. The other node knows that it
 * has lost it, and nothing is left of either.
 */
async function end(all: Play): Promise<void> {
  const { world, model, judge } = all
  const isKnown = model.owner !== null && model.isCertain && model.node(model.owner).attached === 'yes'
  const former = model.other(model.owner ?? 'a').name
  if (model.mayFlip && (await world.status(former)) !== null) await detachSurely(all, former, true)
  if (!isKnown || !model.isRegistered || model.mayFlip) await attachSurely(all, model.owner ?? 'a')
  const owner = model.owner!
  const { name: other } = model.other(owner)
  await until(all, async () => {
    const [mine, theirs] = [await world.status(owner), await world.status(other)]
    judge.look()
    if (mine?.state === 'ready' && knowsLoss(theirs) && model.node(owner).pending === 0) return null
    return `${owner} says ${mine?.state ?? 'nothing'}, with ${model.node(owner).pending} writes that wait; ${other} says ${theirs?.state ?? 'nothing'}`
  })
  if ((await world.status(other)) !== null) await detachSurely(all, other, true)
  model.node(other).attached = 'no'
  judge.look()
  await detachSurely(all, owner, false)
  judge.look()
  await until(all, () => {
    const { pending } = model.node(other)
    return Promise.resolve(pending === 0 ? null : `${pending} writes of ${other} wait after its detach`)
  })
  judge.look()
  await expectNothingLeft(world)
}

/**
 * None of its data is written: `failed` after a reboot, if its agent has refused to attach it, and `detaching`
 * after a detach that was killed, until the next one; `attaching` likewise.
 */
const KNOW_LOSS: ReadonlySet<AttachmentState> = new Set(['fenced', 'failed', 'attaching', 'detaching'])
const knowsLoss = (status: VolumeStatus | null) => status === null || KNOW_LOSS.has(status.state)

async function detachSurely(all: Play, name: 'a' | 'b', force: boolean): Promise<void> {
  const outcome = await detach(all, name, force)
  if (outcome === null) return
  all.world.listen()
  throw new Violation(
    'refused',
    VOLUME,
    `${name}: detach: ${outcome}; said was: ${all.world.said.slice(-4).join(' | ')}`,
  )
}

async function until({ world }: Play, look: () => Promise<string | null>): Promise<void> {
  const end = performance.now() + patient(RECOVERY_MS)
  for (;;) {
    const trouble = await look()
    if (trouble === null) return
    if (performance.now() > end) {
      world.listen()
      throw new Violation(
        'not-recovered',
        VOLUME,
        `${trouble}; said was: ${world.said.slice(-6).join(' | ')}`,
      )
    }
    await sleep(PULSE_MS)
  }
}

async function expectNothingLeft(world: World): Promise<void> {
  for (const name of ['a', 'b'] as const) {
    await world.stopAgent(name)
    const { sessions, disks, maps, mounts } = await world.machine(name).node.storage()
    const left = [...sessions, ...disks, ...maps, ...mounts]
    if (left.length > 0) throw new Violation('left-behind', VOLUME, `${name}: ${left.join(', ')}`)
  }
  const registrations = await world.registrations()
  if (registrations.length > 0) throw new Violation('left-behind', VOLUME, registrations.join(', '))
}

import { setTimeout as sleep } from 'node:timers/promises'

import type { AttachmentState } from '../../src/model/attachment.ts'
import type { History, Operation } from './history.ts'
import { words } from './history.ts'
import { Bytes } from './invariants/bytes.ts'
import { inspectFileSystem } from './invariants/file-system.ts'
import type { MayBeLeft } from './invariants/left-behind.ts'
import { expectNothingLeft, Phantoms } from './invariants/left-behind.ts'
import { expectSaid, reconcile } from './invariants/words.ts'
import type { VolumeModel } from './model.ts'
import { samePlace } from './model.ts'
import { choose, definitionOf } from './operations/all.ts'
import { targetUp } from './operations/target-faults.ts'
import { Random } from './random.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

export interface Played {
  /** The operations that were carried out, up to the violation. */
  readonly operations: readonly Operation[]
  readonly violation: Violation | null
  readonly ms: number
  /** How many blocks of data were confirmed. */
  readonly writes: number
  /** The log, for investigation. */
  readonly log: readonly string[]
}

/** How long a volume may take to be usable once everything is right again. */
const RECOVERY_MS = 90_000
const PULSE_MS = 500
/** Numbers at which nothing else is presented. */
const SPARE_LUNS = [20, 21, 22, 23, 24]
/** Once in this many operations the file systems are inspected as after a crash. */
const INSPECT_EVERY = 10

/** Plays a given history, or makes one up as it goes. */
export async function play(
  world: World,
  history: Pick<History, 'seed'> & { readonly operations: readonly Operation[] | number },
  tell: (line: string) => void = () => {},
): Promise<Played> {
  const started = performance.now()
  const operations: Operation[] = []
  const log: string[] = []
  const note = (line: string) => {
    log.push(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} ${line}`)
    tell(log.at(-1)!)
  }
  await world.renew()
  note('everything is as new')
  const judge = new Judge(world)
  const random = new Random(history.seed)
  const known = typeof history.operations === 'number' ? null : history.operations
  const count = known?.length ?? (history.operations as number)
  let violation: Violation | null = null
  let heard = 0
  const listen = () => {
    world.listen()
    for (const { line } of world.said.slice(heard)) note(`    ${line}`)
    heard = world.said.length
  }
  try {
    for (let index = 0; index < count; index++) {
      const operation = known ? known[index]! : choose(random, world.model)
      if (!definitionOf(operation).can(operation, world.model)) continue
      operations.push(operation)
      note(`${operations.length}. ${words(operation)}`)
      await definitionOf(operation).act(world, operation)
      listen()
      await judge.afterStep(operations.length)
    }
    note('everything is put right')
    await putRight(world)
    const wasCutOff = operations.some((one) => one.kind === 'attach' && one.death !== undefined)
    const mayBeUnfinished = operations.some(
      (one) => one.kind === 'agent-kill' || ('death' in one && one.death !== undefined),
    )
    await judge.atTheEnd({ mayBeUnformatted: wasCutOff, mayBeUnfinished })
  } catch (error) {
    listen()
    // A bug of the harness itself: report what led to it.
    if (!(error instanceof Violation)) throw new Error(log.join('\n'), { cause: error })
    violation = error
    note(error.message)
  }
  return { operations, violation, ms: performance.now() - started, writes: world.model.sequence, log }
}

/** All invariants of one history. */
class Judge {
  readonly #world: World
  readonly #bytes: Bytes
  readonly #phantoms: Phantoms

  constructor(world: World) {
    this.#world = world
    this.#bytes = new Bytes(world)
    this.#phantoms = new Phantoms(world)
  }

  async afterStep(step: number): Promise<void> {
    const world = this.#world
    if (await world.agentEnded())
      throw new Violation(
        'agent-died',
        null,
        world.said
          .slice(-5)
          .map(({ line }) => line)
          .join(' | '),
      )
    await this.#bytes.look()
    await reconcile(world)
    expectSaid(world)
    await this.#phantoms.look()
    await this.#paintAgain()
    if (step % INSPECT_EVERY !== 0) return
    for (const volume of world.model.attached)
      if (volume.ledger.pending === 0) await inspectFileSystem(world, volume, false)
  }

  /** Paints a volume again after another one has written to it in a window, once it is not attached. */
  async #paintAgain(): Promise<void> {
    const { model } = this.#world
    for (const volume of model.volumes.values()) {
      if (!volume.tainted || volume.attached !== 'no') continue
      if (model.windows.concerns(volume.name, performance.now(), performance.now())) continue
      if (model.attached.some(({ uses }) => uses && model.shownAt(uses) === volume)) continue
      await this.#world.paint(volume)
      this.#bytes.forget(volume.name)
    }
  }

  /** Every volume comes back; then nothing is left of any of them. */
  async atTheEnd(options: MayBeLeft): Promise<void> {
    const world = this.#world
    const { model } = world
    for (const volume of model.attached.filter(({ attached }) => attached === 'unsure'))
      await attachAgain(world, volume.name)
    await until(RECOVERY_MS * model.pace.factor, async () => {
      const states = await reconcile(world)
      const waiting = model.attached.filter(
        (volume) =>
          volume.ledger.pending > 0 ||
          (volume.mode === 'map' && !volume.tainted && !hasRecovered(volume, states.get(volume.name)?.state)),
      )
      if (waiting.length === 0) return null
      return () => {
        const [first] = waiting
        return new Violation(
          'not-recovered',
          first!.name,
          `${JSON.stringify(states.get(first!.name))}, ${first!.ledger.pending} writes wait; said was: ${world.saidOf(first!.name, 0).slice(-5).join(' | ')}`,
        )
      }
    })
    await this.#bytes.look()
    const released: VolumeModel[] = []
    for (const volume of model.attached) {
      const operation = { kind: 'detach', volume: volume.name, force: false, cli: false } as const
      // Without a path nothing can be given back: its disk was removed from the node.
      const hadPath = !volume.owesError
      // A detach that reported that written data may be lost reports it again, until it is forced.
      const wasRefused = world.saidOf(volume.name, 0).some((line) => line.includes('FLUSH_FAILED'))
      await definitionOf(operation).act(world, operation)
      // Its pod is gone, and the kubelet retries until the volume is unstaged.
      const askUntil = performance.now() + RECOVERY_MS * model.pace.factor
      while (volume.csi && volume.attached !== 'no' && performance.now() < askUntil) {
        await sleep(PULSE_MS)
        await definitionOf(operation).act(world, operation)
      }
      if (volume.attached === 'no') {
        if (hadPath) released.push(volume)
        continue
      }
      const refused = new Violation('refused', volume.name, world.saidOf(volume.name, 0).at(-1) ?? 'detach')
      // The kernel reports to the detach what could not be written when a hold ended.
      if (volume.mode === 'map' && !volume.tainted && !volume.owesError && !wasRefused) throw refused
      await definitionOf(operation).act(world, { ...operation, force: true })
      if ((volume.attached as string) !== 'no') throw refused
    }
    await this.#bytes.look()
    await expectNothingLeft(world, released, options)
  }
}

/**
 * A published volume whose file system broke when its hold ended stays `failed` until its pod is gone, and a volume
 * below which another one answered stays `misplaced`. The same is true of a volume whose detach was killed: it is
 * detached again.
 */
const hasRecovered = ({ published, isDetaching }: VolumeModel, state: AttachmentState | undefined): boolean =>
  state === 'ready' ||
  ((state === 'failed' || state === 'misplaced') && published) ||
  (state === 'misplaced' && isDetaching)

async function attachAgain(world: World, name: string): Promise<void> {
  const operation = { kind: 'attach', volume: name, hold: '600s', serial: true, cli: false } as const
  await definitionOf(operation).act(world, operation)
}

async function until(deadlineMs: number, look: () => Promise<(() => Violation) | null>): Promise<void> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const trouble = await look()
    if (trouble === null) return
    if (performance.now() > end) throw trouble()
    await sleep(PULSE_MS)
  }
}

/** Does what an administrator would do: repairs everything that is broken, but does not touch Lunkeeper's volumes. */
async function putRight(world: World): Promise<void> {
  const { model } = world
  await world.setRunFull(false)
  await world.setStoreFull(false)
  await world.startIscsid()
  await showEverything(world)
  world.watchStrangers()
  // Since Lunkeeper was last asked, an attachment may have followed its volume to a LUN that now presents another
  // one.
  await reconcile(world)
  world.watchStrangers()
  for (const target of model.targets.values()) {
    for (const portal of target.portalsDown)
      await world.target(target.name).addPortal(target.portals[portal]!)
    target.portalsDown.clear()
    target.changedAt = performance.now()
    if (!target.up) await targetUp(world, target)
  }
  await world.node.sh(
    'for state in /sys/class/scsi_device/*/device/state; do [ "$(cat $state 2>/dev/null)" = offline ] && echo running > $state; done; :',
  )
  await world.startAgent()
}

/** Presents every volume where its attachment expects it, and one that is not attached where it belongs, or where there is room. */
async function showEverything(world: World): Promise<void> {
  const { model } = world
  for (const volume of model.volumes.values())
    if (!samePlace(volume.at, volume.uses ?? volume.home)) await world.hide(volume)
  for (const volume of [...model.attached, ...model.own.filter(({ attached }) => attached === 'no')]) {
    if (volume.at) continue
    const wanted = volume.uses ?? volume.home!
    const lun = [wanted.lun, ...SPARE_LUNS].find((one) => !model.shownAt({ target: wanted.target, lun: one }))
    if (lun !== undefined) await world.show(volume, { target: wanted.target, lun })
  }
}

import { setTimeout as sleep } from 'node:timers/promises'

import { patient } from '../../../lab/machine/pace.ts'
import { cutNetwork, joinNetwork } from '../../../lab/network/cut.ts'
import type { VolumeStatus } from '../../../src/model/attachment.ts'
import { Violation } from '../violation.ts'
import type { NodeName, TwoNodesOperation } from './history.ts'
import { NODES } from './history.ts'
import type { Judge } from './judge.ts'
import type { Model } from './model.ts'
import type { Outcome, World } from './world.ts'
import { MOUNT, VOLUME } from './world.ts'

/** A write to a target that answers takes milliseconds. */
const PROMPT_MS = 700
/** What another node does at the same moment, or a target that has just come back, may prevent an attach for this long. */
const PATIENCE_MS = 60_000
const AGAIN_MS = 2_000

/** Everything that an operation needs. */
export interface Play {
  readonly world: World
  readonly model: Model
  readonly judge: Judge
  readonly note: (line: string) => void
}

type Acts = {
  readonly [K in TwoNodesOperation['kind']]: (
    play: Play,
    operation: Extract<TwoNodesOperation, { readonly kind: K }>,
  ) => Promise<void>
}

export async function act(play: Play, operation: TwoNodesOperation): Promise<void> {
  await (ACTS[operation.kind] as (play: Play, operation: TwoNodesOperation) => Promise<void>)(play, operation)
}

/** The rules that an attach of one node must follow, whatever its outcome. @throws Violation */
async function attached(
  { world, model, judge, note }: Play,
  name: NodeName,
  takeOver: boolean,
  outcome: Outcome,
) {
  note(`    ${name}: attach: ${outcome ?? 'done'}`)
  const node = model.node(name)
  if (outcome !== null) {
    // It changes nothing, and leaves nothing behind.
    if (outcome === 'OWNED_ELSEWHERE') return
    if (node.attached === 'no') node.attached = 'unsure'
    // It may have taken the volume over before it failed.
    if (model.owner !== name) model.isCertain = false
    return
  }
  const { owner, isRegistered, isCertain, mayFlip } = model
  if (owner !== null && owner !== name && isRegistered && isCertain && !mayFlip && !takeOver)
    throw new Violation(
      'disagrees',
      VOLUME,
      `${name} has attached it without --take-over, and ${owner} has it`,
    )
  const holder = await world.holder()
  if (holder !== name && !mayFlip)
    throw new Violation(
      'disagrees',
      VOLUME,
      `${name} has attached it; the target has reserved it for ${holder ?? 'no node'}`,
    )
  // The owner attaches it again: its data in memory is still its own.
  if (owner !== name) await judge.beginEpoch(name)
  node.attached = 'yes'
  node.isSessionHeld = (await world.status(name))?.hold.mode !== 'map'
  model.owner = name
  model.isRegistered = true
  model.isCertain = true
}

/** The hint of these errors is to detach first: this node's unwritten data of the volume must not be written. */
const NEED_DETACH: ReadonlySet<Outcome> = new Set(['FENCED', 'BAD_MOUNT', 'OWNER_UNKNOWN'])

/** The attach of a node when nothing prevents it. @throws Violation refused */
export async function attachSurely(play: Play, name: NodeName): Promise<void> {
  const end = performance.now() + patient(PATIENCE_MS)
  for (;;) {
    const outcome = await play.world.attach(name, true)
    await attached(play, name, true, outcome)
    if (outcome === null) return
    if (NEED_DETACH.has(outcome)) await detach(play, name, true)
    if (performance.now() > end) {
      play.world.listen()
      throw new Violation(
        'refused',
        VOLUME,
        `${name}: attach: ${outcome}; said was: ${play.world.said.slice(-4).join(' | ')}`,
      )
    }
    await sleep(AGAIN_MS)
  }
}

/** @returns its outcome @throws Violation disagrees unclean */
export async function detach(
  { world, model, note }: Play,
  name: NodeName,
  force: boolean,
  diesAfterMs?: number,
): Promise<Outcome> {
  const heard = world.said.length
  const outcome = await world.detach(name, force, diesAfterMs)
  note(`    ${name}: detach: ${outcome ?? 'done'}`)
  const node = model.node(name)
  if (outcome !== null) {
    node.attached = 'unsure'
    if (model.owner === name) {
      model.isCertain = false
      // It may have discarded unwritten data before it was killed.
      if (force) model.ledger.excuse()
    }
    return outcome
  }
  const wasAttached = node.attached
  node.attached = 'no'
  const isSaid = world.said.slice(heard).some((line) => line.includes('unwritten'))
  if (model.owner !== name) {
    if (!force && wasAttached === 'yes' && !isSaid)
      throw new Violation(
        'disagrees',
        VOLUME,
        `${name} has detached it without --force and without a warning, and ${model.owner ?? 'no node'} has it`,
      )
    return null
  }
  model.owner = null
  // Earlier losses are reported, too, as of a disk that was removed below a mount.
  if (force || isSaid) model.ledger.excuse()
  if (force) {
    model.isCertain = false
    return null
  }
  if (!isSaid) model.ledger.confirmWritten()
  // A disk that was removed below its mount leaves a journal, which the next attach replays.
  if (model.settings.content === 'ext4' && !isSaid) await world.checkFileSystem()
  return null
}

/** Starts one write; its outcome is recorded whenever it completes. */
function writeOne({ world, model, judge }: Play, name: NodeName, path: string, block: number, sync: boolean) {
  const node = model.node(name)
  const { ledger, settings, owner, epoch } = model
  const sequence = ++model.sequence
  // A former owner's write belongs to an epoch that has ended.
  model.writes.set(sequence, { node: name, block, epoch: owner === name ? epoch : -1 })
  if (owner === name) ledger.issue(block, sequence)
  node.pending++
  const settle = async () => {
    const create = settings.content !== 'raw'
    const answer = await world.write(name, { path, create, block, sequence, sync })
    node.pending--
    judge.settle(sequence, 'error' in answer ? 'lost' : answer.value)
  }
  return settle()
}

/** Where programs of the node have the volume; nothing if it cannot be used. */
const pathOf = ({ settings }: Model, status: VolumeStatus | null) =>
  settings.content === 'raw' ? status?.device : status?.mount && `${MOUNT}/f`

async function write(play: Play, { node: name, blocks, how }: Extract<TwoNodesOperation, { kind: 'write' }>) {
  const { world, model, note } = play
  const status = await world.status(name)
  if (status === null && model.node(name).attached === 'unsure') model.node(name).attached = 'no'
  const path = pathOf(model, status)
  if (!path) return note(`    ${name}: ${status?.state ?? 'no record'}, nothing to write to`)
  const issued = blocks.filter((block) => model.owner !== name || !model.ledger.isPending(block))
  const writes = issued.map((block) => writeOne(play, name, path, block, how === 'sync'))
  await Promise.race([Promise.all(writes), sleep(PROMPT_MS)])
}

async function read({ world, model }: Play, { node, blocks }: Extract<TwoNodesOperation, { kind: 'read' }>) {
  const status = await world.status(node)
  const path = pathOf(model, status)
  if (!path) return
  for (const block of blocks) {
    const before = model.ledger.allowed(block)
    const answer = await Promise.race([world.read(node, { path, block }), sleep(PROMPT_MS).then(() => null)])
    if (answer === null || 'error' in answer) return
    const allowed = [...before, ...model.ledger.allowed(block)]
    const wrong = answer.value.find((stamp) => !allowed.includes(stamp?.[1] ?? 0))
    if (wrong !== undefined)
      throw new Violation(
        'wrong-read',
        VOLUME,
        `${node}: block ${block} reads as ${JSON.stringify(wrong)}; possible are ${allowed.join(' ')}`,
      )
  }
}

async function reboot({ world, model }: Play, names: readonly NodeName[]): Promise<void> {
  await Promise.all(names.map((name) => world.losePower(name)))
  await Promise.all(names.map((name) => world.boot(name, true)))
  for (const name of names) {
    const node = model.node(name)
    // It has nothing unwritten any more, and its agent may or may not attach the volume again.
    if (node.attached === 'yes') node.attached = 'unsure'
    Object.assign(node, { away: null, hasAgent: false })
  }
  if (names.includes(model.owner!)) model.ledger.excuse()
  await Promise.all(names.map((name) => world.startAgent(name)))
  for (const name of names) model.node(name).hasAgent = true
}

const ACTS: Acts = {
  async attach(play, { node, takeOver, diesAfterMs }) {
    await attached(play, node, takeOver, await play.world.attach(node, takeOver, diesAfterMs))
  },
  async race(play, { takeOver }) {
    const { world, model } = play
    const wasOwner = model.owner
    const outcomes = await Promise.all(NODES.map((name) => world.attach(name, takeOver)))
    const done = NODES.filter((_, index) => outcomes[index] === null)
    for (const [index, name] of NODES.entries())
      play.note(`    ${name}: attach: ${outcomes[index] ?? 'done'}`)
    if (done.length > 1 && !takeOver && wasOwner === null && model.isCertain)
      throw new Violation('disagrees', VOLUME, 'both nodes have attached it')
    const holder = await world.holder()
    // The node that the target names came last; what the other one wrote until then was legitimate.
    for (const name of [...done].toSorted((one) => (one === holder ? 1 : -1)))
      if (name === holder) await attached(play, name, true, null)
      else Object.assign(model.node(name), { attached: 'yes', isSessionHeld: true })
    for (const [index, name] of NODES.entries())
      if (outcomes[index] !== null) await attached(play, name, takeOver, outcomes[index]!)
  },
  async detach(play, { node, force, diesAfterMs }) {
    await detach(play, node, force, diesAfterMs)
  },
  write,
  read,
  async wait(_, { ms }) {
    await sleep(ms)
  },
  async cut({ world, model }, { node }) {
    await cutNetwork(world.machine(node).node)
    model.node(node).away = 'cut'
  },
  async join({ world, model }, { node }) {
    await joinNetwork(world.machine(node).node)
    model.node(node).away = null
  },
  async pause({ world, model }, { node }) {
    world.machine(node).node.freeze()
    model.node(node).away = 'paused'
  },
  async resume({ world, model }, { node }) {
    world.machine(node).node.thaw()
    model.node(node).away = null
  },
  async 'agent-kill'({ world, model }, { node }) {
    await world.killAgent(node)
    model.node(node).hasAgent = false
  },
  async 'agent-start'({ world, model }, { node }) {
    await world.startAgent(node)
    model.node(node).hasAgent = true
  },
  async logout({ world, model }, { node: name }) {
    await world.logout(name)
    const node = model.node(name)
    // Its disk is removed from below its users: it can be used again only after a detach.
    if (node.isSessionHeld) node.attached = 'unsure'
  },
  reboot: (play, { nodes }) => reboot(play, nodes),
  async 'target-down'({ world, model }) {
    await world.target.disable()
    model.targetUp = false
  },
  async 'target-up'({ world, model }) {
    await world.target.enable()
    model.targetUp = true
  },
  async 'target-restart'({ world, model }) {
    await world.restartTarget(model.targetUp)
    model.portalUp = true
    model.restart()
  },
  async 'target-move'({ world, model }) {
    await world.moveTarget()
    Object.assign(model, { targetUp: true, portalUp: true })
    model.restart()
  },
  async remap({ world, model }) {
    await world.unmap()
    await world.map()
    model.restart()
    model.isRegistered = false
  },
  async 'portal-down'({ world, model }) {
    await world.portal(false)
    model.portalUp = false
  },
  async 'portal-up'({ world, model }) {
    await world.portal(true)
    model.portalUp = true
  },
}

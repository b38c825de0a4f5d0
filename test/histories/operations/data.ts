import { setTimeout as sleep } from 'node:timers/promises'

import type { VolumeStatus } from '../../../src/model/attachment.ts'
import { FILE } from '../invariants/file-system.ts'
import { isHolding, reconcile } from '../invariants/words.ts'
import type { Model, VolumeModel } from '../model.ts'
import { Violation } from '../violation.ts'
import type { World } from '../world.ts'
import type { Definitions, OperationOf } from './definition.ts'

/** A write to a target that answers takes milliseconds. */
const PROMPT_MS = 2_000
/** A lost path is noticed within a second; a busy machine takes longer to report it. */
const SAID_MS = 15_000
const PULSE_MS = 250
/** How many blocks of a volume are written to. */
const BLOCKS = 200
/** A pending write occupies a thread. */
const MAX_PENDING = 12

/** A device with a unique name, or a directory: `sdX` may be another volume's the next time. */
export const isWritable = ({ attached, path, mode, kind }: VolumeModel): boolean =>
  attached === 'yes' && path !== null && (kind === 'ext4' || mode === 'map')

const pathOf = ({ kind, path }: VolumeModel) => (kind === 'ext4' ? `${path}/${FILE}` : path!)

type Written = 'synced' | 'written' | 'pending' | { readonly code: string }

/** Starts one write; its outcome is recorded whenever it completes. */
function writeOne(world: World, volume: VolumeModel, block: number, sync: boolean): { end: Written } {
  const { model } = world
  const { name, ledger, kind } = volume
  const sequence = ++model.sequence
  const from = performance.now()
  const one: { end: Written } = { end: 'pending' }
  ledger.issue(block, sequence)
  void settle()
  return one

  async function settle(): Promise<void> {
    const create = kind === 'ext4'
    const answer = await world.write({ path: pathOf(volume), create, volume: name, block, sequence, sync })
    // If it went to a stranger, the stranger confirmed it.
    const astray = model.windows.concerns(name, from, performance.now())
    one.end = 'error' in answer ? answer.error : answer.value
    ledger.settle(block, sequence, 'error' in answer || astray ? 'lost' : answer.value)
  }
}

async function write(world: World, { volume: name, blocks, how }: OperationOf<'write'>): Promise<void> {
  const volume = world.model.volume(name)
  const started = performance.now()
  const before = (await reconcile(world)).get(name)
  if (!before || !isWritable(volume)) return
  const writes = blocks
    .filter((block) => !volume.ledger.isPending(block))
    .map((block) => writeOne(world, volume, block, how === 'sync'))
  const isOpen = () => writes.some(({ end }) => end === 'pending')
  for (let left = PROMPT_MS; left > 0 && isOpen(); left -= 20) await sleep(20)
  let after = (await reconcile(world)).get(name)
  // It waits although the volume is reported as ready: that may be true for a moment. Nothing is judged while the
  // store is full.
  const sayBy = performance.now() + SAID_MS * world.model.pace.factor
  while (!world.model.storeFull && performance.now() < sayBy && isOpen() && after && !isHolding(after)) {
    await sleep(PULSE_MS)
    after = (await reconcile(world)).get(name)
  }
  // A path that has just returned is on trial until I/O has gone through it: for a moment, the volume is still
  // reported as held.
  if (isHolding(before) && writes.every(({ end }) => end === 'synced'))
    while (performance.now() < sayBy && after && isHolding(after)) {
      await sleep(PULSE_MS)
      after = (await reconcile(world)).get(name)
    }
  if (!after) return
  judge(world, volume, how, started, before, after, writes)
}

/** If the same was reported before and after, and nothing else in between, it must match what happened. */
function judge(
  world: World,
  volume: VolumeModel,
  how: 'sync' | 'dirty',
  started: number,
  before: VolumeStatus,
  after: VolumeStatus,
  writes: readonly { readonly end: Written }[],
): void {
  const { name, mode } = volume
  if (mode !== 'map' || world.model.storeFull || world.model.isAnsweredByTarget(volume)) return
  // What a file system has read from another volume, it continues to find wrong.
  if (volume.tainted) return
  const said = world.saidOf(name, started)
  const ends = writes.map(({ end }) => (typeof end === 'object' ? end.code : end))
  const states = `state ${before.state} before and ${after.state} after; writes: ${ends.join(' ')}; said was: ${said.join(' | ') || 'nothing'}`
  const isSteady = said.length === 0 && before.hold.since === after.hold.since
  if (ends.includes('pending') && !isHolding(after))
    throw new Violation('disagrees', name, `writes wait: ${states}`)
  if (!isSteady) return
  // What a file system reads from another volume is not its own bitmap: EBADMSG, EUCLEAN.
  if (world.model.windows.concerns(name, started, performance.now())) return
  const failed = ends.some((end) => end !== 'synced' && end !== 'written' && end !== 'pending')
  if (how === 'sync' && (failed || ends.includes('synced'))) {
    const isOld = failed && volume.owesError
    // A file's sync reports errors of that file; what the file system lost is reported to a detach.
    if (volume.kind === 'raw') volume.owesError = false
    if (isOld) return
  }
  if (failed && !isHolding(before) && !isHolding(after))
    throw new Violation('disagrees', name, `writes fail: ${states}`)
  // A file system that recorded an error when its hold ended must be remounted, and may continue to write until
  // then.
  const isBroken = volume.kind !== 'raw' && before.state === 'failed' && after.state === 'failed'
  if (how === 'sync' && ends.includes('synced') && isHolding(before) && isHolding(after) && !isBroken)
    throw new Violation('disagrees', name, `writes are confirmed: ${states}`)
}

async function read(world: World, { volume: name, blocks }: OperationOf<'read'>): Promise<void> {
  const { model } = world
  const volume = model.volume(name)
  const started = performance.now()
  await reconcile(world)
  if (!isWritable(volume)) return
  for (const block of blocks) {
    const before = volume.ledger.allowed(block)
    const answer = await Promise.race([
      world.read({ path: pathOf(volume), block }),
      sleep(PROMPT_MS).then(() => null),
    ])
    if (answer === null || 'error' in answer) return
    const astray = model.windows.concerns(name, started, performance.now())
    if (volume.tainted || astray || model.isAnsweredByTarget(volume)) continue
    const allowed = [...before, ...volume.ledger.allowed(block)]
    const wrong = answer.value.find((stamp) => stamp?.[0] !== name || !allowed.includes(stamp[1]))
    if (wrong !== undefined)
      throw new Violation(
        'wrong-read',
        name,
        `block ${block} reads as ${JSON.stringify(wrong)}; possible are ${allowed.join(' ')}`,
      )
  }
}

const writable = (model: Model) => model.own.filter(isWritable)

export const DATA_OPERATIONS: Definitions<'write' | 'read' | 'wait'> = {
  write: {
    weight: (model) => 14 * Math.min(3, writable(model).length),
    make(random, model) {
      const volume = random.pick(writable(model).filter(({ ledger }) => ledger.pending < MAX_PENDING))
      if (!volume) return null
      const blocks = Array.from({ length: random.between(1, 4) }, () => random.between(0, BLOCKS - 1))
      return {
        kind: 'write',
        volume: volume.name,
        blocks: [...new Set(blocks)],
        how: random.chance(0.6) ? 'sync' : 'dirty',
      }
    },
    can: ({ volume }, model) => isWritable(model.volume(volume)),
    act: write,
  },
  read: {
    weight: (model) => (writable(model).some(({ kind }) => kind === 'raw') ? 3 : 0),
    make(random, model) {
      const volume = random.pick(writable(model).filter(({ kind }) => kind === 'raw'))
      if (!volume) return null
      const blocks = [random.pick(volume.ledger.blocks) ?? 0, random.between(0, BLOCKS - 1)]
      return { kind: 'read', volume: volume.name, blocks }
    },
    can: ({ volume }, model) => isWritable(model.volume(volume)),
    act: read,
  },
  wait: {
    weight: () => 3,
    make: (random) => ({ kind: 'wait', ms: random.pick([200, 500, 1_000, 3_000, 7_000])! }),
    can: () => true,
    async act(_, { ms }) {
      await sleep(ms)
    },
  },
}

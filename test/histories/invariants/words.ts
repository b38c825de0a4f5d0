import type { VolumeStatus } from '../../../src/model/attachment.ts'
import type { Model, TargetModel, VolumeModel } from '../model.ts'
import { DETACHED } from '../model.ts'
import { podPath } from '../operations/csi.ts'
import { Violation } from '../violation.ts'
import type { World } from '../world.ts'

/** States in which Lunkeeper reports a problem. */
const HOLDING: ReadonlySet<string> = new Set(['holding', 'failed', 'misplaced', 'fenced'])
/** States in which Lunkeeper reports that unconfirmed data may be lost. */
const GIVEN_UP: ReadonlySet<string> = new Set(['failed', 'misplaced', 'fenced'])
const GIVEN_UP_WORDS =
  /is over|given? up|fails now|is lost|could not be written|broken|another volume|misplaced|dropped with/

/**
 * Takes over what Lunkeeper reports about its volumes, and checks whether it is acceptable. @throws Violation
 * forgotten unnoticed
 */
export async function reconcile(world: World): Promise<ReadonlyMap<string, VolumeStatus>> {
  const { model } = world
  const records = new Map((await world.volumes()).map((status) => [status.name, status]))
  const seen = byVolume(model, records)
  const now = performance.now()
  for (const volume of model.own) {
    const status = seen.get(volume.name)
    if (!status) {
      if (volume.attached === 'yes') throw new Violation('forgotten', volume.name, 'its record is gone')
      if (volume.attached === 'unsure') volume.mayWriteUntil = now
      Object.assign(volume, { ...DETACHED, published: false })
      continue
    }
    const [path] = status.paths
    const target = [...model.targets.values()].find(({ iqn }) => iqn === path?.iqn)
    const isReady = status.state !== 'attaching' && status.state !== 'detaching'
    Object.assign(volume, {
      attached: isReady ? 'yes' : 'unsure',
      readySince: isReady ? (volume.readySince ?? now) : null,
      reachedSince: isReached(status) ? reachedSinceOf(volume, target, now) : null,
      uses: path && target ? { target: target.name, lun: path.lun } : volume.uses,
      path: pathOf(volume, status),
      mode: status.hold.mode,
    })
    const gaveUp =
      GIVEN_UP.has(status.state) ||
      world.saidOf(volume.name, volume.excusedAt).some((line) => GIVEN_UP_WORDS.test(line))
    if (gaveUp) {
      volume.ledger.excuse()
      volume.owesError = true
    }
    volume.excusedAt = now
    // Without an agent it is only reported: nothing stops the writes.
    if (status.state === 'misplaced' && model.agentSince !== null) model.windows.noticed(volume.name, now)
    if (status.state === 'fenced') refuseOtherNode(volume, world)
  }
  world.closeWindows()
  expectNoticed(model, seen, world)
  return seen
}

/** A session that was lost in between may have come back at any moment. */
function reachedSinceOf({ reachedSince }: VolumeModel, target: TargetModel | undefined, now: number): number {
  return reachedSince === null || reachedSince < (target?.changedAt ?? 0) ? now : reachedSince
}

function byVolume(model: Model, records: ReadonlyMap<string, VolumeStatus>): Map<string, VolumeStatus> {
  return new Map(
    model.own.flatMap(({ name, record }) => {
      const status = records.get(record)
      return status ? [[name, status] as const] : []
    }),
  )
}

/** Programs use the path at which a volume was published. */
function pathOf({ name, kind, csi, published }: VolumeModel, { device, mount }: VolumeStatus): string | null {
  if (csi) return published ? podPath(name) : null
  return kind === 'raw' ? device : mount
}

function expectNoticed(model: Model, seen: ReadonlyMap<string, VolumeStatus>, world: World): void {
  const now = performance.now()
  for (const { writer, stranger, sealed, from } of model.windows.overdue) {
    const status = seen.get(writer)
    if (!status || HOLDING.has(status.state) || model.volume(writer).attached !== 'yes') continue
    // Before the first question it cannot know; an agent that has just started has not asked yet.
    if (!isReached(status) || model.hasAgentJustStarted(now)) continue
    throw new Violation(
      'unnoticed',
      writer,
      `its LUN has shown ${stranger} for ${Math.round((performance.now() - from) / 1000)} s, ${Math.round((performance.now() - sealed!) / 1000)} s more than it may take to notice, and its state is ${status.state}; said was: ${world.saidOf(writer, from).join(' | ') || 'nothing'}`,
    )
  }
}

/**
 * There is only one node. A superblock that another volume's file system has overwritten is a different matter.
 * @throws Violation fenced
 */
export function refuseOtherNode({ name, tainted }: VolumeModel, world: World): void {
  if (!tainted) throw new Violation('fenced', name, world.saidOf(name, 0).slice(-3).join(' | '))
}

const isReached = ({ paths }: VolumeStatus) =>
  paths.some(({ sessionState, diskState }) => sessionState === 'LOGGED_IN' && diskState === 'running')

/** Bytes went astray in a window: by now that must have been reported. @throws Violation unnoticed */
export function expectSaid(world: World): void {
  for (const { writer, stranger, from, until, sealed, isShown } of world.model.windows.used) {
    // The situation was corrected before it could be noticed.
    if (sealed === null || until < sealed || isShown) continue
    if (world.saidOf(writer, from).length === 0)
      throw new Violation('unnoticed', writer, `bytes of it went to ${stranger}, and nothing was said`)
  }
}

export const isHolding = ({ state }: VolumeStatus) => HOLDING.has(state)

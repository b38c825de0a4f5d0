import { refreshDisk } from '../../hold/refresh-disk.ts'
import { returnPath } from '../../hold/return-path.ts'
import { refusedBy } from '../../hold/refusals.ts'
import { monotonicMs } from '../../host/clock.ts'
import { knownChap } from '../../host/iscsi/known-chap.ts'
import { findHoldMap, holdMapName } from '../../host/map/hold-map.ts'
import { readBlockStat } from '../../host/read/block-stat.ts'
import { readSessionState } from '../../host/read/sessions.ts'
import type { Attachment } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { HeldByOthers } from '../../model/plan/hold-facts.ts'
import type { StepOf, StepResult } from '../../model/plan/hold-steps.ts'
import { formatPortal } from '../../model/portal.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { proveDisks } from '../../state/proof/prove.ts'
import type { VolumeView } from '../../state/view/volume.ts'
import { lookAtVolume } from '../../state/view/volume.ts'
import { dropForeignDisk } from '../../volumes/holding/drop-foreign-disk.ts'
import type { PathDisk } from '../../volumes/holding/map-paths.ts'
import { asPathDisk, emptyMap } from '../../volumes/holding/map-paths.ts'
import { stepper } from '../../volumes/step.ts'
import { heldPaths, portalFacts } from '../held-paths.ts'
import { attributesOfPaths } from '../watched-attributes.ts'
import type { AgentContext, HoldBackend, Observation, ReadSessions, StepWork } from './backend.ts'
import { lastingSteps } from './lasting-steps.ts'

/** For a hold map, which the agent itself holds. */
const NOT_HELD: HeldByOthers = {
  revision: 0,
  hasDevice: true,
  isReplaced: false,
  hasMap: true,
  recovery: 0,
  isQueueing: null,
  multipathd: null,
}

/** Volumes on hold maps: the agent fails their paths, brings them back, and ends their holds. */
export function holdMapBackend(context: AgentContext): HoldBackend {
  const { host, maps } = context
  const common = lastingSteps(context)
  return {
    observe: (record, sessions) => observe(context, record, sessions),
    ask: async (what) => {
      if (what !== 'map') throw new LunkeeperError('INTERNAL', `a hold map is not asked for ${what}`)
      await maps.states(true)
      return {}
    },
    immediate: {
      queue: ({ on }, { record }) => maps.queue(holdMapName(record.name), on),
      fail: ({ devno }, { record }) => maps.fail(mapOf(context, record), devno),
      'drop-disk': async ({ sid }, { record }) => {
        const disk = diskOf(context, record, sid)
        if (disk) await dropForeignDisk(host, record, disk)
        maps.doubt()
      },
      'empty-map': async (_, { record }) => {
        await emptyMap(host, record, mapOf(context, record))
        maps.invalidate()
      },
      // Idle ones end after a minute.
      'warm-up': () => {
        host.workers.warm()
        host.standby.warm()
      },
      'search-portal': (_, { record }) => context.searchPortals(record.request.iqn),
    },
    lasting: {
      ...common,
      attach: (step, work) => common.attach(step, work).finally(() => maps.doubt()),
      verify: (step, { record }) => verify(context, step, record),
      return: (step, work) => returnPaths(context, step, work),
    },
  }
}

async function observe(
  { host, maps, probes }: AgentContext,
  record: Attachment,
  sessions: ReadSessions,
): Promise<Observation> {
  const states = await maps.states()
  const view = lookOf({ host }, record, sessions(record.request.iqn))
  const map = view.maps.find(({ name }) => name === holdMapName(record.name))
  const stat = map ? readBlockStat(host.paths, map.device) : null
  const { iqn, portals } = record.request
  return {
    facts: {
      // A disk without a device node cannot be in a table, and carries no I/O.
      paths: heldPaths(host, view, portals).filter(({ devno }) => devno !== ''),
      // An attach that was killed is left to the next attach.
      portals:
        record.phase === 'attaching'
          ? []
          : portals.map((portal) => portalFacts(host, view, portal, probes.resultOf({ iqn, portal }))),
      io: stat && { completed: stat.completed, inFlight: stat.inFlight },
      map: map ? (states.get(map.name) ?? 'unread') : 'absent',
      mapReadMs: map ? maps.readMsOf(map.name) : Number.NEGATIVE_INFINITY,
      isReady: record.phase === 'ready',
      held: NOT_HELD,
    },
    attributes: attributesOfPaths(host, view),
    checkedDisk: (sid) => pathDiskOf(view, sid),
  }
}

function lookOf(
  { host }: Pick<AgentContext, 'host'>,
  record: Attachment,
  sessions?: ReturnType<ReadSessions>,
): VolumeView {
  const sought = { ...record.request, wwid: record.identity?.wwid, owner: record.name }
  return lookAtVolume(host, sought, { ...(sessions ? { sessions } : {}), bareMaps: false })
}

function pathDiskOf(view: VolumeView, sid: number): PathDisk | null {
  const disk = view.sessions.find(({ session }) => session.sid === sid)?.disk
  return disk ? asPathDisk(disk) : null
}

const diskOf = (context: AgentContext, record: Attachment, sid: number) =>
  lookOf(context, record).sessions.find(({ session }) => session.sid === sid)?.disk ?? null

/** @throws MAP_FAILED the map is gone */
function mapOf({ host }: AgentContext, { name }: Attachment): DmMap {
  const map = findHoldMap(host, name)
  if (!map) throw new LunkeeperError('MAP_FAILED', `the map of ${name} is gone`)
  return map
}

/** Asks a path that carries I/O which volume it is. */
async function verify(
  context: AgentContext,
  step: StepOf<'verify'>,
  record: Attachment,
): Promise<StepResult> {
  const { host, moved } = context
  const disk = pathDiskOf(lookOf({ host }, record), step.sid)
  if (!disk) {
    const state = readSessionState(host.paths, step.sid) ?? 'gone'
    throw new LunkeeperError('TARGET_AWAY', `${step.disk} is gone: session ${step.sid} is ${state}`)
  }
  const path = { record, disk }
  const before = moved.sample(path)
  try {
    await proveDisks(host, record, [disk])
    moved.answered(path, before)
    await refresh(context, record, disk)
    return { kind: 'verify', step, refused: null }
  } catch (error) {
    return { kind: 'verify', step, refused: refusedBy(error) }
  }
}

/** The path has proved itself, and continues to carry I/O even if its disk cannot be read again. */
async function refresh(context: AgentContext, record: Attachment, disk: PathDisk): Promise<void> {
  try {
    await refreshDisk(context.host, record, mapOf(context, record), disk)
  } catch (error) {
    context.log.once(record.name, 'refresh', error instanceof Error ? error.message : String(error))
  }
}

async function returnPaths(
  context: AgentContext,
  step: StepOf<'return'>,
  { record }: StepWork,
): Promise<StepResult> {
  const { host, maps, probes, log, signal } = context
  const refused = (error: unknown): StepResult => ({
    kind: 'return',
    step,
    came: { kind: 'refused', refused: refusedBy(error) },
  })
  const { iqn, portals } = record.request
  const portal = portals.find((one) => formatPortal(one) === step.portal)
  if (!portal) return refused(new Error(`${step.portal} is no longer a portal of the volume`))
  try {
    const begunMs = monotonicMs()
    const map = mapOf(context, record)
    const disk = step.path && pathDiskOf(lookOf(context, record), step.path.sid)
    if (step.path && disk?.devno !== step.path.devno)
      return refused(new LunkeeperError('TARGET_AWAY', `${step.portal}: its disk is gone`))
    const came = await returnPath({
      host,
      record,
      map,
      portal,
      disk: disk ?? null,
      plan: step.steps,
      listLuns: () =>
        probes.luns({ iqn, portal }, knownChap(host, iqn, portals)).catch((error: Error) => {
          log.once(record.name, 'search', `the LUNs of ${iqn} cannot be listed: ${error.message}`)
          return null
        }),
      steps: stepper(record.name, log.observer),
      signal,
    })
    if (came.kind === 'reinstated' && came.path) maps.reinstated(map, came.path.devno, begunMs)
    else if (came.kind === 'loaded' && came.path) maps.loaded(map, came.path.devno, begunMs)
    else maps.doubt()
    return { kind: 'return', step, came }
  } catch (error) {
    return refused(error)
  }
}

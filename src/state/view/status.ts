import type { Host } from '../../host/host.ts'
import type { HoldNote } from '../../model/hold-note.ts'
import { readHoldNote } from '../records/hold-note.ts'
import { readShutdownGrace } from '../records/shutdown-grace.ts'
import { isAgentRunning } from '../records/agent-lock.ts'
import { readVolumeDirtyData } from '../../host/memory/dirty-data.ts'
import { hasOnlyFailedPaths } from '../../host/map/hold-map.ts'
import { queueingOf, recentQueueingMaps } from '../../host/map/queueing.ts'
import type { Attachment, AttachmentState, PathStatus, VolumeStatus } from '../../model/attachment.ts'
import { isPathUp } from '../../model/attachment.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { Hold } from '../../model/hold.ts'
import { longerHold } from '../../model/hold.ts'
import { safeHold } from '../../model/safe-hold.ts'
import { holdDeadline } from '../../model/plan/hold-deadline.ts'
import { stateOfHold } from '../../model/plan/hold-state.ts'
import { formatPortal, samePortal } from '../../model/portal.ts'
import { isCachedAsOther } from '../../model/identity.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'
import type { VolumeView } from './volume.ts'
import { deviceOfVolume, isReplaced, lookAtAttachment, usedPaths } from './volume.ts'
import { carriesAlone } from './carried.ts'
import { isOfAnotherMachine } from './machine.ts'
import { ownerOf } from './owner.ts'
import { askDisk } from '../proof/ask.ts'
import { isUsedOn } from '../proof/used-on.ts'
import { mountsOf } from './users.ts'

/** The actual state of an attachment: the record's intent and the kernel's state. */
export async function statusOf(host: Host, record: Attachment): Promise<VolumeStatus> {
  const view = lookAtAttachment(host, record)
  const used = pathsOf(record, usedPaths(record, view))
  const mode = record.mode ?? 'session'
  const device = deviceOfVolume(record, view)
  const map = view.maps[0]
  const note = readHoldNote(host, record.name)
  const mount = device && mountsOf(host, device).find(({ point }) => point === record.request.use.mount)
  const owner = await ownerOf(host, record, view)
  const state = (await isMisplaced(host, record, view, note))
    ? 'misplaced'
    : record.phase !== 'attaching' && (owner.mine === false || note?.kind === 'fenced')
      ? 'fenced'
      : await stateOf(host, record, used, mount !== undefined, note, view)
  // State left by an agent that is no longer running.
  const outage = state === 'ready' ? null : note
  return {
    name: record.name,
    state,
    device: device && (map ? `/dev/mapper/${map.name}` : `/dev/${device.name}`),
    mount: mount?.point ?? null,
    fs: mount?.fs ?? record.fs,
    readOnly: record.request.use.readOnly,
    ...(isOfAnotherMachine(host, record) ? { ofAnotherMachine: true as const } : {}),
    identity: record.identity,
    hold: {
      mode,
      wanted: record.request.hold.wanted,
      effective:
        mode === 'map'
          ? await heldFor(host, record, map)
          : await effectiveHold(host, used, mode === 'multipathd' ? (map?.name ?? null) : null),
      since: outage?.since ?? null,
      deadline:
        outage?.ended === null && state !== 'failed' && state !== 'misplaced' && state !== 'fenced'
          ? holdDeadline(outage, safeHold(record), readShutdownGrace(host))
          : null,
      waiting: device && state === 'holding' ? readVolumeDirtyData(host.paths, device.devno) : null,
    },
    owner,
    paths: pathsOf(record, view),
  }
}

function pathsOf(record: Attachment, view: VolumeView): PathStatus[] {
  const { iqn, lun, portals } = record.request
  const known = portals.map((portal) => {
    const serving = view.sessions.filter(
      ({ session }) => session.portal && samePortal(session.portal, portal),
    )
    return { portal, found: serving.find(({ disk }) => disk) ?? serving[0] }
  })
  return known.map(({ portal, found }) => ({
    portal: formatPortal(portal),
    iqn,
    lun,
    session: found?.session.sid ?? null,
    hctl: found?.disk ? formatHctl(found.disk.hctl) : null,
    disk: found?.disk?.name ?? null,
    sessionState: found?.session.state ?? null,
    diskState: found?.disk?.state ?? null,
    recoveryTmo: found?.session.recoveryTmo ?? null,
  }))
}

/** A listing does not wait longer than this for a disk to answer. */
const SHOWN_IDENTITY_DEADLINE_MS = 10_000

/**
 * Whether another volume answers beneath the volume's file system or raw user. A running agent checks this every
 * few seconds and records it; without one the disks are asked now. The kernel's view of a disk may be out of date.
 * It counts only if the disk does not answer, and not in an outage that the agent has recorded.
 */
async function isMisplaced(
  host: Host,
  record: Attachment,
  { sessions, maps }: VolumeView,
  note: HoldNote | null,
): Promise<boolean> {
  const { identity, phase } = record
  if (note?.kind === 'misplaced') return true
  if (note?.kind === 'fenced') return false
  if (phase === 'attaching' || identity === null) return false
  const used = sessions.flatMap(({ disk }) => (disk && isUsedOn(host, record, disk, maps) ? [disk] : []))
  const isWatched = await isAgentRunning(host)
  if (used.length === 0 || (isWatched && note !== null)) return false
  const isOther = ({ cached }: ScsiDisk) => isCachedAsOther(cached, identity)
  const asked = isWatched ? used.filter(isOther) : used
  const answers = await Promise.all(
    asked.map((disk) => askDisk(host, disk, identity, { deadlineMs: SHOWN_IDENTITY_DEADLINE_MS })),
  )
  return answers.some(
    ({ disk, verdict }) => verdict === 'stranger' || (verdict === 'silent' && isOther(disk)),
  )
}

/**
 * On a hold map, what the agent has recorded. Otherwise the kernel's states show the same, and a running agent
 * knows about failed I/O.
 */
async function stateOf(
  host: Host,
  record: Attachment,
  paths: readonly PathStatus[],
  mounted: boolean,
  note: HoldNote | null,
  view: VolumeView,
): Promise<AttachmentState> {
  const map = view.maps[0]
  if (record.phase !== 'ready') return record.phase
  // An agent that was stopped while it brought a path back has left its note.
  const isLeft = note?.ended === null && map && (await carriesAlone(host, map, view))
  if (note && record.mode === 'map' && !isLeft) return stateOfHold(note)!
  if (note && note.ended !== null && (await isAgentRunning(host))) return 'failed'
  if (record.request.use.mount !== null && !mounted) return 'failed'
  // Of an attach that was killed after it had logged in; after a reboot, for instance.
  if (isReplaced(record, view)) return 'failed'
  if (paths.some(isPathUp) && !(await isStalledAlone(host, record, map))) return 'ready'
  // FAILED with its disk blocked: the kernel's timer is running, and I/O is held (drivers/scsi/scsi_transport_iscsi.c).
  if (paths.some(({ sessionState, diskState }) => sessionState === 'FAILED' && diskState === 'blocked'))
    return 'holding'
  // The sessions have returned their I/O, and the map holds it: multipathd's map, or a hold map whose loss the
  // agent has not recorded yet.
  if (record.mode !== 'session' && map && (await isQueueing(host, map))) return 'holding'
  return 'failed'
}

/**
 * Whether device-mapper sends I/O through no path of a hold map although the sessions are up: after an I/O error or
 * `dmsetup message`. A running agent records this at once.
 */
async function isStalledAlone(host: Host, { mode }: Attachment, map: DmMap | undefined): Promise<boolean> {
  return (
    mode === 'map' &&
    map !== undefined &&
    !(await isAgentRunning(host)) &&
    (await hasOnlyFailedPaths(host, map))
  )
}

/**
 * On a hold map: the requested hold, because the agent ends it in time; without an agent it never ends. Zero if the
 * map is set to fail I/O.
 */
async function heldFor(host: Host, record: Attachment, map: DmMap | undefined): Promise<Hold> {
  if (!map || !(await isQueueing(host, map))) return 0
  return (await isAgentRunning(host)) ? safeHold(record) : 'forever'
}

/** False if this cannot be read: a failing dmsetup must not prevent the other volumes from being listed. */
async function isQueueing(host: Host, map: DmMap): Promise<boolean> {
  const maps = await recentQueueingMaps(host).catch(() => null)
  return maps?.has(map.name) ?? false
}

/** Seconds from the loss of the last path to the first error, by the current settings of the kernel and multipathd. */
async function effectiveHold(host: Host, paths: readonly PathStatus[], map: string | null): Promise<Hold> {
  const timers = paths.flatMap(({ recoveryTmo }) => (recoveryTmo === null ? [] : [recoveryTmo]))
  const recovery = timers.reduce<Hold>(longerHold, 0)
  const queueing = map === null ? 0 : ((await queueingOf(host, map)) ?? 0)
  return recovery === 'forever' || queueing === 'forever' ? 'forever' : recovery + queueing
}

import { removeDisk } from '../../host/disk/remove.ts'
import type { Host } from '../../host/host.ts'
import { stopQueueing } from '../../host/map/multipath.ts'
import { queueingOf, recentQueueingMaps } from '../../host/map/queueing.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Hold } from '../../model/hold.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { longerHold } from '../../model/hold.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { isUsedOn } from '../../state/proof/used-on.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import { readRecord } from '../../state/records/volumes.ts'
import { devicesOf, disksOf, isReplaced, lookAtAttachment, usedPaths } from '../../state/view/volume.ts'
import { heldPaths } from '../held-paths.ts'
import { attributesOf } from '../watched-attributes.ts'
import type { AgentContext, Asked, HoldBackend, NamedDisk, Observation } from './backend.ts'
import { lastingSteps } from './lasting-steps.ts'

/**
 * The backend of volumes that their session or multipathd holds. It cannot fail or reinstate paths; it observes, removes the
 * disk of a lost volume, unmounts, reattaches and remounts.
 */
export function watchedBackend(context: AgentContext, queueing = recentQueueingMaps): HoldBackend {
  const { host } = context
  const revisions = new WeakMap<Attachment, number>()
  let revision = 0
  const revisionOf = (record: Attachment) => {
    const known = revisions.get(record) ?? ++revision
    revisions.set(record, known)
    return known
  }
  return {
    observe: async (record, _, asked) => observe(host, record, asked, revisionOf(record)),
    ask: async (what, record) => {
      if (what === 'map') throw new LunkeeperError('INTERNAL', 'a map of another program is not read')
      const map = mapOf(host, record)
      if (what === 'is-queueing') return { isQueueing: map !== null && (await queueing(host)).has(map.name) }
      return { multipathd: (map && (await queueingOf(host, map.name))) ?? 0 }
    },
    immediate: {
      'drop-disk': async ({ sid }, { record }) => {
        const { sessions, maps } = lookAtAttachment(host, record)
        const disk = sessions.find(({ session }) => session.sid === sid)?.disk
        if (!disk) return
        // A disk of the volume at this LUN that this volume does not use may have been made for that volume.
        const isMisplaced = readHoldNote(host, record.name)?.kind === 'misplaced'
        if (isMisplaced && !isUsedOn(host, record, disk, maps)) return
        // Without paths, the map would hold the I/O of its users.
        for (const map of maps) await stopQueueing(host, map).catch(() => {})
        await removeDisk(host, disk)
      },
    },
    lasting: lastingSteps(context),
  }
}

function observe(host: Host, record: Attachment, asked: Asked, revision: number): Observation {
  const view = usedPaths(record, lookAtAttachment(host, record))
  const timers = view.sessions.flatMap(({ session, disk }) => (disk ? [session.recoveryTmo] : []))
  return {
    facts: {
      paths: heldPaths(host, view, record.request.portals),
      portals: [],
      io: null,
      map: 'absent',
      mapReadMs: Number.NEGATIVE_INFINITY,
      isReady: readRecord(host, record.name)?.phase === 'ready',
      held: {
        revision,
        hasDevice: devicesOf(view.maps, disksOf(view)).length > 0,
        isReplaced: isReplaced(record, view),
        hasMap: view.maps.length > 0,
        recovery: timers.reduce<Hold>(longerHold, 0),
        isQueueing: null,
        multipathd: null,
        ...asked,
      },
    },
    attributes: attributesOf(host, view),
    checkedDisk: (sid): NamedDisk | null => {
      const disk = view.sessions.find(({ session }) => session.sid === sid)?.disk
      if (!disk || disk.name === null || !isUsedOn(host, record, disk, view.maps)) return null
      return { ...disk, name: disk.name }
    },
  }
}

function mapOf(host: Host, record: Attachment): DmMap | null {
  return lookAtAttachment(host, record).maps[0] ?? null
}

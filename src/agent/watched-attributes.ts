import { join } from 'node:path'

import type { Host } from '../host/host.ts'
import { connectionAttribute } from '../host/read/sessions.ts'
import { formatHctl } from '../model/hctl.ts'
import type { VolumeView } from '../state/view/volume.ts'

/** Sysfs attributes whose changes trigger a look: those of a volume's sessions, and those of its disks. */
export interface WatchedAttributes {
  readonly sessions: readonly string[]
  readonly disks: readonly string[]
}

export const NO_ATTRIBUTES: WatchedAttributes = { sessions: [], disks: [] }

export function attributesOf({ paths: { sys } }: Host, { sessions }: VolumeView): WatchedAttributes {
  return {
    sessions: sessions.map(({ session: { sid } }) => join(sys, `class/iscsi_session/session${sid}/state`)),
    disks: sessions.flatMap(({ disk }) =>
      disk ? [join(sys, 'class/scsi_device', formatHctl(disk.hctl), 'device/state')] : [],
    ),
  }
}

/** The attributes of a volume on a hold map. If a loss is shorter than the polling interval, only the connection shows it. */
export function attributesOfPaths(host: Host, view: VolumeView): WatchedAttributes {
  const { sessions, disks } = attributesOf(host, view)
  const connections = view.sessions.map(({ session }) => connectionAttribute(host.paths, session.sid))
  return { sessions: [...sessions, ...connections], disks }
}

/** Whether one of the attributes has changed. */
export function hasChanged({ sessions, disks }: WatchedAttributes, changed: ReadonlySet<string>): boolean {
  return changed.size > 0 && [...sessions, ...disks].some((path) => changed.has(path))
}

/** The attributes of many volumes in one list. */
export function together(all: readonly WatchedAttributes[]): WatchedAttributes {
  return {
    sessions: all.flatMap(({ sessions }) => sessions),
    disks: [...new Set(all.flatMap(({ disks }) => disks))],
  }
}

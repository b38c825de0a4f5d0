import { join } from 'node:path'

import type { HostPaths } from '../host/paths.ts'
import { formatHctl } from '../model/hctl.ts'
import type { VolumeView } from '../state/view/volume.ts'

/** Attributes of which each change is to be looked at: those of a volume's sessions, and those of its disks. */
export interface Signs {
  readonly sessions: readonly string[]
  readonly disks: readonly string[]
}

export const NO_SIGNS: Signs = { sessions: [], disks: [] }

export function signsOf({ sys }: HostPaths, { sessions }: VolumeView): Signs {
  return {
    sessions: sessions.map(({ session: { sid } }) => join(sys, `class/iscsi_session/session${sid}/state`)),
    disks: sessions.flatMap(({ disk }) =>
      disk ? [join(sys, 'class/scsi_device', formatHctl(disk.hctl), 'device/state')] : [],
    ),
  }
}

/** Whether any of them is among those that have changed. */
export function showsIn({ sessions, disks }: Signs, changed: ReadonlySet<string>): boolean {
  return changed.size > 0 && [...sessions, ...disks].some((sign) => changed.has(sign))
}

/** The signs of many volumes as one. */
export function together(all: readonly Signs[]): Signs {
  return {
    sessions: all.flatMap(({ sessions }) => sessions),
    disks: [...new Set(all.flatMap(({ disks }) => disks))],
  }
}

import { join } from 'node:path'

import type { PathDisk } from '../volumes/holding/map-paths.ts'
import type { Host } from '../host/host.ts'
import { readAttribute } from '../host/read/attribute.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import type { Portal } from '../model/portal.ts'
import { samePortal } from '../model/portal.ts'
import type { Session } from '../model/snapshot.ts'
import type { VolumeView } from '../state/view/volume.ts'
import { isUp } from '../state/view/volume.ts'

/** One path of a volume as it is now. */
export interface PathNow {
  readonly session: Session
  readonly disk: PathDisk
  /** The session is logged in, and its disk takes commands. */
  readonly up: boolean
  /** The map has it. */
  readonly inTable: boolean
  /** The map sends I/O to it. */
  readonly active: boolean
  /** Which connection of its session it is reached by; another one may lead to another disk. */
  readonly connection: string | null
}

export function pathsNow(host: Host, view: VolumeView, state: HoldMapState): PathNow[] {
  return view.sessions.flatMap(({ session, disk }) => {
    if (!disk || disk.devno === null || disk.name === null) return []
    const { devno, name } = disk
    const inTable = state.paths.find((path) => path.devno === devno)
    return [
      {
        session,
        disk: { ...disk, devno, name },
        up: isUp({ session, disk }),
        inTable: inTable !== undefined,
        active: inTable?.active === true,
        connection: readAttribute(connectionSign(host, session.sid)),
      },
    ]
  })
}

/**
 * Tells one connection of a session from the next: each reconnect takes another local port. The state
 * alone does not: a loss that is shorter than a look at it is never seen.
 */
export function connectionSign({ paths }: Host, sid: number): string {
  return join(paths.sys, `class/iscsi_connection/connection${sid}:0/local_port`)
}

export function isAt({ session }: { readonly session: Session }, portal: Portal): boolean {
  return session.portal !== null && samePortal(session.portal, portal)
}

import type { Snapshot } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import type { DiskOptions } from './disks.ts'
import { readDisks } from './disks.ts'
import { readLiveFs } from './file-systems.ts'
import { readMaps } from './maps.ts'
import { readMounts } from './mounts.ts'
import { readSessions } from './sessions.ts'

/** The full state. Not atomic: each part is true as of when it was read. */
export function readSnapshot(paths: HostPaths, options?: DiskOptions): Snapshot {
  const sessions = readSessions(paths)
  return {
    sessions,
    disks: sessions.flatMap((session) => readDisks(paths, session, options)),
    maps: readMaps(paths),
    mounts: readMounts(paths),
    fileSystems: readLiveFs(paths),
  }
}

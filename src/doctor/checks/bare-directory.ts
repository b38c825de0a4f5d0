import { listDirectory } from '../../host/fs/list-directory.ts'
import type { VolumeCheck } from '../check.ts'

/** This many names are enough to recognize the files. */
const MAX_SHOWN = 5

export const bareDirectory: VolumeCheck = {
  name: 'the mount point',
  async volume({ host, snapshot }, { record }) {
    const directory = record.request.use.mount
    if (directory === null || snapshot.mounts.some(({ point }) => point === directory)) return []
    const entries = await listDirectory(host, directory)
    if (entries.length === 0) return []
    return [
      {
        code: 'BARE_DIRECTORY',
        severity: 'critical',
        subject: record.name,
        message: `${directory} is not mounted, and the bare directory contains files: ${entries.length}`,
        evidence: { directory, count: entries.length, first: entries.slice(0, MAX_SHOWN) },
        fix: `Stop the program that writes there, move the files out of ${directory}, then run the same attach again.`,
      },
    ]
  },
}

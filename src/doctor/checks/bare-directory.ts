import { listDirectory } from '../../host/fs/list-directory.ts'
import type { VolumeCheck } from '../check.ts'

/** So many names are enough to recognise whose they are. */
const SHOWN = 5

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
        message: `${directory} is not mounted, and files were written into the bare directory: ${entries.length}`,
        evidence: { directory, count: entries.length, first: entries.slice(0, SHOWN) },
        fix: `Stop who writes there, move the files out of ${directory}, run the same attach again.`,
      },
    ]
  },
}

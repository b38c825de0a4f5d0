import { testWrite } from '../../host/fs/test-write.ts'
import type { VolumeCheck } from '../check.ts'

/** A volume that waits is left alone: it would only be waited with. */
export const fsBroken: VolumeCheck = {
  name: 'the file system',
  async volume({ host, snapshot }, { record, status: { name, state, mount, fs, readOnly } }) {
    const { options } = record.request.use
    if (mount === null || readOnly || options.includes('ro') || state === 'holding') return []
    if (fs !== 'ext4' && fs !== 'xfs') return []
    const shown = snapshot.mounts.findLast(({ point }) => point === mount)
    const isReadOnly = shown?.options.includes('ro') || shown?.superOptions.includes('ro') || false
    const said = isReadOnly ? null : await testWrite(host, mount)
    // A full one is well.
    if (!isReadOnly && (said === null || /^(?:ENOSPC|EDQUOT)\b/.test(said))) return []
    return [
      {
        code: 'FS_BROKEN',
        severity: 'critical',
        subject: name,
        message: isReadOnly
          ? `${mount} is read-only, and read-write was asked for`
          : `${mount} takes no writes: ${said}`,
        evidence: { mount, fs, options: shown?.options ?? [], superOptions: shown?.superOptions ?? [], said },
        fix: `Stop the users of ${mount}, lunkeeper detach ${name}, attach again: it is checked, then mounted.`,
      },
    ]
  },
}

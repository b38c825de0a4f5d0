import type { Host } from '../../host/host.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Mount } from '../../model/snapshot.ts'
import { testWriteProven } from '../../state/proof/test-write.ts'
import type { VolumeCheck } from '../check.ts'

/** A volume whose I/O is held is not tested: the test would block. */
export const fsBroken: VolumeCheck = {
  name: 'the file system',
  async volume({ live, snapshot }, { record, status: { name, state, mount, fs, readOnly } }) {
    const { options } = record.request.use
    if (mount === null || readOnly || options.includes('ro') || state === 'holding') return []
    if (fs !== 'ext4' && fs !== 'xfs') return []
    const shown = snapshot.mounts.findLast(({ point }) => point === mount)
    const isReadOnly = shown?.options.includes('ro') || shown?.superOptions.includes('ro') || false
    const said = isReadOnly || !shown ? null : await refusalOf(live, record, shown)
    if (!isReadOnly && said === null) return []
    return [
      {
        code: 'FS_BROKEN',
        severity: 'critical',
        subject: name,
        message: isReadOnly
          ? `${mount} is read-only, but was attached read-write`
          : `${mount} does not accept writes: ${said}`,
        evidence: { mount, fs, options: shown?.options ?? [], superOptions: shown?.superOptions ?? [], said },
        fix: `Stop the users of ${mount}, run lunkeeper detach ${name}, then attach again: the file system is checked before it is mounted.`,
      },
    ]
  },
}

const REPORTED_ELSEWHERE = [
  'IDENTITY_MISMATCH',
  'LUN_ABSENT',
  'FENCED',
  // Its owner cannot be asked now, so nothing is written to it; `lunkeeper owner` says why.
  'OWNER_UNKNOWN',
  'TARGET_AWAY',
  // The machine is slow: the next run will tell.
  'PROOF_EXPIRED',
] as const

/**
 * Nothing is written to a volume if another volume answers, another node owns it, or it is away; other findings
 * report that. @throws other errors
 */
async function refusalOf(host: Host, record: Attachment, mount: Mount): Promise<string | null> {
  try {
    return await testWriteProven(host, record, mount, mount.point)
  } catch (error) {
    if (isLunkeeperError(error, ...REPORTED_ELSEWHERE)) return null
    throw error
  }
}

import { readHoldNote } from '../../state/records/hold-note.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import { identityDifference } from '../../model/identity.ts'
import type { AskedDisk } from '../asked.ts'
import { askDisks } from '../asked.ts'
import type { VolumeCheck } from '../check.ts'

const FIX =
  'Map the right volume at this LUN again on the storage system. Until then do not write, mount or unmount by hand.'

/** The device itself is asked: what the kernel and udev have cached about it proves nothing. */
export const wrongVolume: VolumeCheck = {
  name: 'the identity',
  async volume({ host }, patient) {
    const { name, identity } = patient.record
    if (identity === null) return []
    const seen = (await askDisks(host, patient)).map((asked) => ({
      disk: asked.disk.name,
      difference: difference(asked, identity),
    }))
    const wrong = seen.filter((one) => one.difference !== null)
    // The agent removes a wrong disk again; its note records what it found.
    const note = readHoldNote(host, name)
    const noted = note?.kind === 'stranger' || note?.kind === 'misplaced' ? note.trouble : null
    const first = wrong[0]
    if (!first && noted === null) return []
    return [
      {
        code: 'WRONG_VOLUME',
        severity: 'critical',
        subject: name,
        message: first
          ? `${first.disk ?? 'its disk'} is not the expected volume: ${first.difference}`
          : noted!,
        evidence: { expected: identity, disks: wrong, noted },
        fix: FIX,
      },
    ]
  },
}

function difference({ answer }: AskedDisk, expected: Identity): string | null {
  if ('error' in answer) {
    if (isLunkeeperError(answer.error, 'LUN_ABSENT')) return 'the target reports that it has no such LUN'
    throw answer.error
  }
  const { identity: seen } = answer
  // A path that cannot be used now (ALUA) reports no size, which does not make it another volume.
  return identityDifference(seen, seen.bytes === 0 ? { ...expected, bytes: null } : expected)
}

import { isWorkedOnByCommand } from '../../state/records/locks.ts'
import { readRecord } from '../../state/records/volumes.ts'
import type { VolumeCheck } from '../check.ts'

export const interrupted: VolumeCheck = {
  name: 'the phase',
  async volume({ host }, { record }) {
    const { name, phase } = record
    if (phase === 'ready') return []
    if (await isWorkedOnByCommand(host, record)) return []
    // The operation may have finished between reading the record and checking the lock.
    if (readRecord(host, name)?.phase !== phase) return []
    return [
      {
        code: 'INTERRUPTED',
        severity: 'warning',
        subject: name,
        message: `its ${phase === 'detaching' ? 'detach' : 'attach'} was started, and no process is working on it`,
        evidence: { phase },
        fix:
          phase === 'detaching'
            ? `Run lunkeeper doctor --fix, or lunkeeper detach ${name}.`
            : `Run the same attach again, or lunkeeper detach ${name}.`,
      },
    ]
  },
}

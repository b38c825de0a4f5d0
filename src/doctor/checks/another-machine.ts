import { readMachineId } from '../../host/read/machine.ts'
import { isOfAnotherMachine } from '../../state/view/machine.ts'
import type { VolumeCheck } from '../check.ts'

export const anotherMachine: VolumeCheck = {
  name: 'the machine of the record',
  volume({ host }, { record }) {
    if (!isOfAnotherMachine(host, record)) return []
    const { name, machine, createdAt } = record
    return [
      {
        code: 'RECORD_OF_ANOTHER_MACHINE',
        severity: 'warning',
        subject: name,
        message:
          'the record was written on another machine, so the agent does not attach the volume here automatically',
        evidence: { record: machine, machine: readMachineId(host.paths), createdAt },
        fix: `If no other machine uses the volume any more, run the same attach here, which takes the record over. Otherwise run lunkeeper detach ${name}, which removes the record here.`,
      },
    ]
  },
}

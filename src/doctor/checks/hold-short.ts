import { longerHold } from '../../model/hold.ts'
import type { Hold } from '../../model/hold.ts'
import { isHoldCapped } from '../../model/safe-hold.ts'
import type { VolumeCheck } from '../check.ts'

const isShorter = (hold: Hold, than: Hold) => hold !== than && longerHold(hold, than) === than
const inWords = (hold: Hold) => (hold === 'forever' ? hold : `${hold} s`)

export const holdShort: VolumeCheck = {
  name: 'the hold',
  volume(_, { record, status: { name, state, hold, paths } }) {
    const { wanted, effective, mode } = hold
    // After a failure there is no hold left that could be too short.
    // A capped hold has its own finding.
    if (isHoldCapped(record)) return []
    if ((state !== 'ready' && state !== 'holding') || !isShorter(effective, wanted)) return []
    const sessions = paths.flatMap(({ session, recoveryTmo }) =>
      session !== null && recoveryTmo !== null && isShorter(recoveryTmo, wanted)
        ? [{ session, recoveryTmo }]
        : [],
    )
    const by = {
      map: 'the hold map is set to fail I/O',
      multipathd: "multipathd's queueing and the session timers limit it",
      session: sessions
        .map(({ session, recoveryTmo }) => `session ${session} has recovery_tmo ${inWords(recoveryTmo)}`)
        .join(', '),
    }[mode]
    return [
      {
        code: 'HOLD_SHORT',
        severity: 'warning',
        subject: name,
        message: `I/O would be held for ${inWords(effective)} instead of ${inWords(wanted)}: ${by}`,
        evidence: { mode, wanted, effective, sessions },
        fix: `lunkeeper hold ${name} --set ${wanted}`,
      },
    ]
  },
}

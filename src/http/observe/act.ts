import { doctor } from '../../doctor/doctor.ts'
import { setHold } from '../../hold/change.ts'
import { giveUp } from '../../hold/give-up.ts'
import type { Host } from '../../host/host.ts'
import { parseHold } from '../../model/hold.ts'
import type { Act } from './protocol.ts'

/** Makes a change that a client with a token asked for, as the command of the same name does. @throws as the command does */
export async function perform(host: Host, act: Act): Promise<unknown> {
  switch (act.kind) {
    case 'hold':
      return setHold(host, act.volume, parseHold(act.wanted))
    case 'give-up':
      return giveUp(host, act.volume)
    case 'fix':
    default:
      return doctor(host, { dryRun: act.dryRun, code: act.code })
  }
}

import { doctor } from '../../doctor/doctor.ts'
import { setHold } from '../../hold/change.ts'
import { giveUp } from '../../hold/give-up.ts'
import type { Host } from '../../host/host.ts'
import { parseHold } from '../../model/hold.ts'
import type { ChangeRequest } from './protocol.ts'

/**
 * Makes a change that a client with a token requested, as the command of the same name does.
 * @throws the errors of that command
 */
export async function makeChange(host: Host, change: ChangeRequest): Promise<unknown> {
  switch (change.kind) {
    case 'hold':
      return setHold(host, change.volume, parseHold(change.wanted))
    case 'give-up':
      return giveUp(host, change.volume)
    case 'fix':
    default:
      return doctor(host, { dryRun: change.dryRun, code: change.code })
  }
}

import { recover } from '../../hold/recover.ts'
import { recordSeen } from '../../state/records/history.ts'
import { asAsked } from '../../model/attachment.ts'
import { deviceOfVolume, devicesOf, disksOf, lookAtAttachment } from '../../state/view/volume.ts'
import { attach } from '../../volumes/attach/attach.ts'
import { clearMisplaced } from '../../volumes/holding/misplaced.ts'
import type { AgentContext, HoldBackend } from './backend.ts'

/** The steps that do not depend on how a volume is held. */
export function lastingSteps({ host, log, signal }: AgentContext) {
  const options = { observer: log.observer, signal }
  return {
    attach: async (_, { record }) => {
      await attach(host, asAsked(record), { ...options, onlyAgain: true })
      recordSeen(host, record.name, { event: 'reattached' })
      return { kind: 'attach' }
    },
    clear: async (_, { record }) => ({ kind: 'clear', users: await clearMisplaced(host, record) }),
    recover: async (_, { record }) => {
      const view = lookAtAttachment(host, record)
      const device = deviceOfVolume(record, view) ?? devicesOf(view.maps, disksOf(view))[0]
      if (!device) throw new Error('its device is gone')
      return { kind: 'recover', trouble: await recover(host, record, device, options) }
    },
  } satisfies HoldBackend['lasting']
}

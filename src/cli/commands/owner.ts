import { requireRoot } from '../../host/root.ts'
import type { OwnerReport } from '../../model/attachment.ts'
import { command } from '../command.ts'
import { ownerText } from '../output/owner.ts'

export const ownerCommand = command({
  name: 'owner',
  group: 'read',
  summary: 'Show which node may write to a volume, and why',
  about:
    'Asks the target for its registrations and reservation, Kubernetes for the VolumeAttachment (only the agent can), and the file system for its last mount; then reports the result for this node: own, lost, wait (the owner cannot be determined now, so nothing is written), or unguarded. Changes nothing.',
  usage: ['NAME'],
  argument: { name: 'NAME', required: true, completes: 'volume' },
  options: [],
  examples: [
    { command: 'lunkeeper owner db', does: 'as text' },
    { command: 'lunkeeper owner db --json | jq .verdict', does: 'for a script' },
  ],
  async run(context, { argument }): Promise<OwnerReport> {
    const { ownerReport } = await import('../../state/view/owner-report.ts')
    const { findRecord } = await import('../../state/view/list.ts')
    requireRoot('owner')
    const host = await context.host()
    return ownerReport(host, findRecord(host, argument!))
  },
  text: ownerText,
})

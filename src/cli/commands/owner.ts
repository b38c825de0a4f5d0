import { requireRoot } from '../../host/root.ts'
import type { OwnerReport } from '../../model/attachment.ts'
import { command } from '../command.ts'
import { ownerText } from '../output/owner.ts'

export const ownerCommand = command({
  name: 'owner',
  group: 'read',
  summary: 'Show which node may write to a volume, and why',
  about:
    'Asks the target for its registrations and reservation, Kubernetes for the VolumeAttachment (where it runs in the container of the agent), and the file system for its last mount; then reports the result for this node: own, lost, wait (the owner cannot be determined now, so nothing is written), or unguarded. Changes nothing.',
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
    const { podAccountIfAny, useKubernetesWitness } = await import('../operation/kubernetes-witness.ts')
    const host = await context.host()
    const record = findRecord(host, argument!)
    const account = record.publication ? await podAccountIfAny() : null
    if (!account) return ownerReport(host, record)
    using _witness = await useKubernetesWitness(host, account, new AbortController().signal)
    return await ownerReport(host, record)
  },
  text: ownerText,
})

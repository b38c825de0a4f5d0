import type { Host } from '../../host/host.ts'
import { readRecords } from '../../state/records/volumes.ts'
import { statusOf } from '../../state/view/status.ts'
import type { Verdict } from './verdict.ts'
import { verdictOn } from './verdict.ts'

/** How the volumes of this node fare, however they are held; also those that Kubernetes knows nothing of. */
export async function takeCensus(host: Host): Promise<Verdict> {
  const { attachments } = readRecords(host)
  const seen = await Promise.all(
    attachments.map(async (record) => ({ record, status: await statusOf(host, record) })),
  )
  // After a reboot an orchestrator's volumes are not there until it asks for them, if ever: no problem of theirs.
  const here = seen.filter(
    ({ record, status: { device, hold } }) => !record.orchestrator || device !== null || hold.since !== null,
  )
  return verdictOn(here.map(({ status }) => status))
}

import type { Host } from '../../host/host.ts'
import { readRecords } from '../../state/records/volumes.ts'
import { statusOf } from '../../state/view/status.ts'
import type { Condition } from './condition.ts'
import { conditionOf } from './condition.ts'

/** The condition of all volumes of this node, including those that Kubernetes does not know. */
export async function readNodeHealth(host: Host): Promise<Condition> {
  const { attachments } = readRecords(host)
  const seen = await Promise.all(
    attachments.map(async (record) => ({ record, status: await statusOf(host, record) })),
  )
  // After a reboot the volumes of an orchestrator are not attached until it requests them. That is not a problem.
  const here = seen.filter(
    ({ record, status: { device, hold } }) => !record.orchestrator || device !== null || hold.since !== null,
  )
  return conditionOf(here.map(({ status }) => status))
}

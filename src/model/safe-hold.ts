import type { Attachment } from './attachment.ts'
import type { Hold } from './hold.ts'

/**
 * Seconds. Kubernetes detaches the volumes of an unhealthy node after 6 minutes (kube-controller-manager,
 * maxWaitForUnmountDuration), counted from the pod's deletion. A hold that is over by then has failed all held I/O
 * before another node gets the volume. One minute is left for the loss to be noticed.
 */
export const MAX_UNGUARDED_HOLD_S = 300

/**
 * How long I/O of a volume may be held. If an orchestrator can give the volume to another node, and the target does
 * not then keep this node from writing, a hold longer than {@link MAX_UNGUARDED_HOLD_S} is cut to that, unless
 * `fence: off` says that something else fences nodes.
 */
export function safeHold(record: Pick<Attachment, 'request' | 'orchestrator' | 'fence'>): Hold {
  const { wanted } = record.request.hold
  if (!isCapped(record)) return wanted
  return wanted === 'forever' ? MAX_UNGUARDED_HOLD_S : Math.min(wanted, MAX_UNGUARDED_HOLD_S)
}

/** Whether the requested hold is longer than it may be. */
export function isHoldCapped(record: Pick<Attachment, 'request' | 'orchestrator' | 'fence'>): boolean {
  const { wanted } = record.request.hold
  return isCapped(record) && (wanted === 'forever' || wanted > MAX_UNGUARDED_HOLD_S)
}

function isCapped({
  request,
  orchestrator,
  fence,
}: Pick<Attachment, 'request' | 'orchestrator' | 'fence'>): boolean {
  if (orchestrator === undefined || fence) return false
  return !request.use.readOnly && request.fence !== 'off'
}

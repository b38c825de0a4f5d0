import type { VolumeStatus } from '../../model/attachment.ts'

/** Type of the node condition. Published, so never renamed. */
export const CONDITION = 'IscsiVolumeProblem'

/** The value of the node condition. As with a kubelet's pressure conditions, True means a problem. */
export interface Condition {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: 'VolumesWaiting' | 'VolumesFailed' | 'NoVolumeProblem' | 'AgentStopped'
  readonly message: string
}

/** How many volumes are named in a message. */
const MAX_NAMED = 5

/** The condition of a node with these volumes. */
export function conditionOf(volumes: readonly VolumeStatus[]): Condition {
  const failed = volumes.filter(({ state }) => state === 'failed')
  const lost = volumes.filter(({ state }) => state === 'fenced')
  const misplaced = volumes.filter(({ state }) => state === 'misplaced')
  const waiting = volumes.filter(({ state }) => state === 'holding')
  const parts = [
    ...(failed.length > 0 ? [`I/O of ${count(failed)} failed: ${names(failed)}`] : []),
    ...(lost.length > 0 ? [`another node has taken ${count(lost)}: ${takenBy(lost)}`] : []),
    ...(misplaced.length > 0
      ? [`another volume answers in place of ${count(misplaced)}: ${names(misplaced)}`]
      : []),
    ...(waiting.length > 0
      ? [`I/O of ${count(waiting)} is held because the storage is away: ${names(waiting)}`]
      : []),
  ]
  if (parts.length === 0)
    return { status: 'False', reason: 'NoVolumeProblem', message: `${count(volumes)}, no problem` }
  return {
    status: 'True',
    reason: failed.length + lost.length + misplaced.length > 0 ? 'VolumesFailed' : 'VolumesWaiting',
    message: parts.join('; '),
  }
}

/**
 * The condition that a stopping agent leaves behind: volumes that are no longer monitored are not reported as healthy, and a known
 * problem is not withdrawn.
 */
export function conditionAfterStop(condition: Condition | null): Condition {
  return condition?.status === 'True'
    ? {
        ...condition,
        message: `${condition.message}; the agent has stopped, so they do not recover until it runs again`,
      }
    : {
        status: 'Unknown',
        reason: 'AgentStopped',
        message: `the agent has stopped: the volumes of this node are not monitored${condition ? ` (${condition.message})` : ''}. Deleted pods stay Terminating, with their volumes, until an agent runs here again`,
      }
}

function count({ length }: readonly unknown[]): string {
  return length === 1 ? '1 volume' : `${length} volumes`
}

function names(volumes: readonly VolumeStatus[]): string {
  return listed(volumes.map(({ name, hold }) => name + until(hold.deadline)))
}

function takenBy(volumes: readonly VolumeStatus[]): string {
  return listed(
    volumes.map(({ name, owner }) => (owner.holder === null ? name : `${name} (${owner.holder})`)),
  )
}

function listed(all: readonly string[]): string {
  const more = all.length > MAX_NAMED ? [`and ${all.length - MAX_NAMED} more`] : []
  return [...all.slice(0, MAX_NAMED), ...more].join(', ')
}

function until(deadline: string | null): string {
  return deadline === null ? '' : ` until ${deadline}`
}

import type { VolumeCheck } from '../check.ts'

/**
 * Kubernetes detaches a volume from a node that is not healthy after 6 minutes (maxWaitForUnmountDuration): by then a hold
 * without a guard must be over, with a minute for the loss to be noticed.
 */
const LONGEST_UNGUARDED_HOLD_S = 300

export const owner: VolumeCheck = {
  name: 'the owner',
  volume(_, { record, status: { name, state, owner, hold, readOnly } }) {
    if (owner.mine === false)
      return [
        {
          code: 'FENCED',
          severity: 'critical',
          subject: name,
          message: `another node has the volume: ${owner.holder ?? 'its name is not known'}. This node writes nothing more to it; what it had not written is lost`,
          evidence: { state, ...owner },
          fix: `Stop its users on this node, then: lunkeeper detach ${name} --force`,
        },
      ]
    const isGuarded = owner.guard === 'reservation' || readOnly || record.request.shared
    const isLong = hold.wanted === 'forever' || hold.wanted > LONGEST_UNGUARDED_HOLD_S
    if (isGuarded || !isLong || state !== 'ready') return []
    return [
      {
        code: 'UNGUARDED',
        severity: 'warning',
        subject: name,
        message: `the target has no persistent reservations, and the hold is longer than ${LONGEST_UNGUARDED_HOLD_S} s: if another node gets the volume in an outage, ${owner.guard === 'none' ? 'both write to it' : 'that is noticed before this node writes again, but not prevented'}`,
        evidence: { ...owner, wanted: hold.wanted, longest: LONGEST_UNGUARDED_HOLD_S },
        fix: `Switch persistent reservations on at the storage system and attach the volume again; or: lunkeeper hold ${name} --set ${LONGEST_UNGUARDED_HOLD_S}s`,
      },
    ]
  },
}

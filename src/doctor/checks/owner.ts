import { isHoldCapped, MAX_UNGUARDED_HOLD_S } from '../../model/safe-hold.ts'
import type { VolumeCheck } from '../check.ts'

export const owner: VolumeCheck = {
  name: 'the owner',
  volume(_, { record, status: { name, state, owner, hold, readOnly } }) {
    if (owner.mine === false)
      return [
        {
          code: 'FENCED',
          severity: 'critical',
          subject: name,
          message: `another node has the volume: ${owner.holder ?? 'its name is not known'}. This node no longer writes to it; its unwritten data is lost`,
          evidence: { state, ...owner },
          fix: `Stop its users on this node, then: lunkeeper detach ${name} --force`,
        },
      ]
    const isGuarded = owner.guard === 'reservation' || readOnly || record.request.shared
    const isLong = hold.wanted === 'forever' || hold.wanted > MAX_UNGUARDED_HOLD_S
    if (isGuarded || !isLong || state !== 'ready') return []
    const both =
      owner.guard === 'none'
        ? 'both write to it'
        : 'that is noticed before this node writes again, but not prevented'
    const capped = isHoldCapped(record)
    return [
      {
        code: 'UNGUARDED',
        severity: 'warning',
        subject: name,
        message: capped
          ? `the target has no persistent reservations, and Kubernetes can give the volume to another node: it is held for ${MAX_UNGUARDED_HOLD_S} s at most. With the out-of-service taint on a live node, another node gets it sooner; then ${both}`
          : `the target has no persistent reservations, and the hold is longer than ${MAX_UNGUARDED_HOLD_S} s: if another node gets the volume in an outage, ${both}`,
        evidence: {
          ...owner,
          wanted: hold.wanted,
          effective: hold.effective,
          longest: MAX_UNGUARDED_HOLD_S,
        },
        fix: capped
          ? 'Enable persistent reservations on the storage system, and restart the pod. If something else fences nodes, the volume attribute "fence: off" lifts the limit.'
          : `Enable persistent reservations on the storage system and attach the volume again; or: lunkeeper hold ${name} --set ${MAX_UNGUARDED_HOLD_S}s`,
      },
    ]
  },
}

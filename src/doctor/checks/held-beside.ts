import { foreignHolders } from '../../host/read/holders.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import { describeStack, remedyOf } from '../../state/view/holders.ts'
import type { NodeCheck } from '../check.ts'

export const heldBeside: NodeCheck = {
  name: 'devices beside hold maps',
  node({ host, snapshot, sessions }) {
    return snapshot.maps.filter(isHoldMap).flatMap((map) =>
      snapshot.disks
        .filter(({ holders }) => holders.includes(map.device))
        .flatMap((disk) => {
          const beside = foreignHolders(host.paths, disk)
          if (beside.length === 0) return []
          const stack = describeStack(host, beside)
          return [
            {
              code: 'HELD_BESIDE' as const,
              severity: 'critical' as const,
              subject: map.name,
              message: `${stack.join('; ')} is on ${disk.name}, beside the hold map, which does not hold its I/O`,
              evidence: {
                disk: disk.name,
                holders: stack,
                recoveryTmo: sessions.find(({ sid }) => sid === disk.sid)?.recoveryTmo ?? null,
              },
              fix: `${remedyOf(host, beside)}; then activate it again on the hold map.`,
            },
          ]
        }),
    )
  },
}

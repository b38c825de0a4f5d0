import type { NodeCheck } from '../check.ts'

/** Number of disks that are named; `lunkeeper sessions` shows the rest. */
const SHOWN = 5

export const phantoms: NodeCheck = {
  name: 'phantoms',
  node: ({ sessions, records }) =>
    sessions.flatMap(({ sid, iqn, portal, disks }) => {
      const found = disks.filter(({ owner }) => owner === 'phantom')
      const [first] = found
      if (!first) return []
      const ours = records.some(({ request }) => request.iqn === iqn)
      return [
        {
          code: 'PHANTOMS' as const,
          severity: ours ? ('warning' as const) : ('info' as const),
          subject: `session ${sid}`,
          message: `disks without an owner or a visible user: ${found.length} of ${iqn}`,
          evidence: { session: sid, iqn, portal, count: found.length, first: found.slice(0, SHOWN) },
          fix: first.disk
            ? `lunkeeper detach /dev/${first.disk} removes one. lunkeeper sessions shows all.`
            : null,
        },
      ]
    }),
}

import type { NodeCheck } from '../check.ts'

/** So many are named: the rest is in `lunkeeper sessions`. */
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
          message: `disks that no volume owns and nobody is seen to use: ${found.length} of ${iqn}`,
          evidence: { session: sid, iqn, portal, count: found.length, first: found.slice(0, SHOWN) },
          fix: first.disk
            ? `lunkeeper detach /dev/${first.disk} removes one; lunkeeper sessions shows all.`
            : null,
        },
      ]
    }),
}

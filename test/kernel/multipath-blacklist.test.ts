import { describe, expect } from 'vitest'

import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels } from './node.ts'

const ONE = '127.0.0.1'
const TWO = '127.0.0.2'

describe.each(kernels('bookworm'))(
  'a volume works without a map where multipathd is configured to leave its disks alone (%s)',
  (debian) => {
    const it = onNode({
      debian,
      multipathd: true,
      after: 'keep',
      target: { portals: [`${ONE}:3260`, `${TWO}:3260`] },
      luns: [
        { lun: 5, serial: 'b1b1' },
        { lun: 6, serial: 'b2b2' },
      ],
    })

    it.for([
      ['by name', 'devnode "^sd[a-z]"', 5],
      ['by model', 'device {\n  vendor ".*"\n  product ".*"\n }', 6],
    ] as const)(
      'two portals of a disk that is blacklisted %s make one path, held by its session, with a warning',
      async ([, rule, lun], { node, target, engine }) => {
        await node.write('/etc/multipath.conf', `blacklist {\n ${rule}\n}\n`)
        await node.sh('multipathd reconfigure; sleep 1')
        const asked = { iqn: target.iqn, name: 'db', portals: [ONE, TWO], mount: '/mnt/db' }
        const attached = await engine.attach(lun, { ...asked, format: true })
        expect(engine.warnings).toEqual([expect.stringContaining('blacklist')])
        expect(attached).toMatchObject({ state: 'ready', hold: { mode: 'session', effective: 60 } })
        expect(await engine.attach(lun, asked)).toEqual(attached)
        await engine.detach('db')
        await expectNothingLeft(node)
        expect(await node.sh('grep -s "^/" /etc/multipath/wwids || true')).toBe('')
        // If it is requested explicitly, it is refused.
        expect(await engine.refuses('MAP_FAILED', lun, { ...asked, hold: 'multipathd' })).toContain(
          'blacklist',
        )
        await expectNothingLeft(node)
      },
    )
  },
)

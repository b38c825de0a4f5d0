import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { Engine } from './engine.ts'
import { startEngine } from './engine.ts'
import { expectNothingLeft, kernels } from './node.ts'

const ONE = '127.0.0.1'
const TWO = '127.0.0.2'

describe.each(kernels('bookworm'))(
  'a multipathd that is configured to leave the disks alone (%s)',
  (debian) => {
    let lab: Lab
    let node: LabNode
    let target: Target
    let engine: Engine

    beforeAll(async () => {
      lab = await Lab.open()
      node = await lab.boot({ debian, multipathd: true })
      engine = await startEngine(node)
      target = await node.lio.target({ portals: [`${ONE}:3260`, `${TWO}:3260`] })
      await target.map(5, { serial: 'b1b1', bytes: 64 << 20 })
    })
    afterAll(() => lab?.close())

    it.each([
      ['by name', 'devnode "^sd[a-z]"'],
      ['by model', 'device {\n  vendor ".*"\n  product ".*"\n }'],
    ])('%s: two portals make one path, held by its session, with a warning', async (_, rule) => {
      await node.write('/etc/multipath.conf', `blacklist {\n ${rule}\n}\n`)
      await node.sh('multipathd reconfigure; sleep 1')
      const asked = { iqn: target.iqn, name: 'db', portals: [ONE, TWO], mount: '/mnt/db' }
      const volume = await engine.attach(5, { ...asked, format: true })
      expect(engine.warnings).toEqual([expect.stringContaining('blacklist')])
      expect(volume).toMatchObject({ state: 'ready', hold: { mode: 'session', effective: 60 } })
      expect(await engine.attach(5, asked)).toEqual(volume)
      await engine.detach('db')
      await expectNothingLeft(node)
      expect(await node.sh('grep -s "^/" /etc/multipath/wwids || true')).toBe('')
      // Asked for by name, it is refused.
      expect(await engine.refuses('MAP_FAILED', 5, { ...asked, hold: 'multipathd' })).toContain('blacklist')
      await expectNothingLeft(node)
    })
  },
)

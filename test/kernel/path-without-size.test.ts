import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { startEngine } from './engine.ts'
import { agentOn, expectNothingLeft, kernels } from './node.ts'

const BYTES = 64 << 20
const GOOD = '127.0.0.1'
const OTHER = '127.0.0.2'

describe.each(kernels('bookworm'))(
  'a path that tells the identity of the volume and no size: ALUA state unavailable (%s)',
  (debian) => {
    let lab: Lab
    let node: LabNode
    let target: Target

    beforeAll(async () => {
      lab = await Lab.open()
      node = await lab.boot({ debian })
    })
    afterAll(() => lab?.close())
    afterEach(() => node.reset())

    const core = '/sys/kernel/config/target'
    const asked = () => ({ iqn: target.iqn, name: 'db', portals: [OTHER, GOOD], mount: '/mnt/db' })

    /** A second target portal group at another address, whose LUN is in a port group of its own. */
    async function make(): Promise<void> {
      target = await node.lio.target({ portals: [`${GOOD}:3260`] })
      await target.map(5, { name: 'volume', serial: 'a1a1', bytes: BYTES })
      await node.sh(`set -e
        store=$(ls -d ${core}/core/*/volume)
        mkdir $store/alua/other
        echo 7 > $store/alua/other/tg_pt_gp_id
        group=${core}/iscsi/${target.iqn}/tpgt_2
        mkdir $group $group/np/${OTHER}:3260 $group/lun/lun_5
        ln -s $store $group/lun/lun_5/store
        for attribute in generate_node_acls=1 demo_mode_write_protect=0 cache_dynamic_acls=1 authentication=0; do
          echo \${attribute#*=} > $group/attrib/\${attribute%=*}
        done
        echo other > $group/lun/lun_5/alua_tg_pt_gp
        echo 1 > $group/enable`)
      await access(UNAVAILABLE)
    }

    /** SPC-4 table 229. */
    const UNAVAILABLE = 3
    const OPTIMIZED = 0
    const access = (state: number) =>
      node.sh(`echo ${state} > $(ls -d ${core}/core/*/volume)/alua/other/alua_access_state`)

    async function removeGroup(): Promise<void> {
      await node.sh(`set -e
        group=${core}/iscsi/${target.iqn}/tpgt_2
        echo 0 > $group/enable
        rm $group/lun/lun_5/store
        rmdir $group/lun/lun_5 $group/np/* $group
        rmdir $(ls -d ${core}/core/*/volume)/alua/other`)
    }

    it('the volume is attached over the other path, again too, and this one is used once it tells a size', async () => {
      await make()
      const agent = await agentOn(node)
      const engine = await startEngine(node)
      await engine.attach(5, { ...asked(), format: true })
      expect(engine.warnings).toEqual([expect.stringMatching(/127\.0\.0\.2:3260 is not used: .*no size/)])
      const sizes = await node.sh('cat /sys/block/sd?/size')
      expect(new Set(sizes.trim().split('\n').map(Number))).toEqual(new Set([0, BYTES / 512]))
      expect(await engine.attach(5, asked())).toMatchObject({ state: 'ready' })
      const active = async () =>
        [...(await node.sh('dmsetup status --target multipath lunkeeper-db')).matchAll(/\d+:\d+ A /g)].length
      expect(await active()).toBe(1)
      // As after a reboot: no session, no map, and the record.
      await node.sh('umount /mnt/db')
      await agent.kill('SIGKILL')
      await agent.exited
      await node.sh('dmsetup remove --noudevsync lunkeeper-db; iscsiadm -m node -u')
      const next = await agentOn(node)
      await node.until(async () => (await node.storage()).mounts.includes('/mnt/db'), {
        deadline: 60_000,
        what: 'the volume, attached again',
      })
      expect(await active()).toBe(1)
      await access(OPTIMIZED)
      await node.until(async () => (await active()) === 2, { deadline: 60_000, what: 'the second path' })
      await node.sh('echo written > /mnt/db/file && sync /mnt/db/file')
      await engine.detach('db')
      await next.kill('SIGTERM')
      await next.exited
      await expectNothingLeft(node)
      await removeGroup()
    })
  },
)

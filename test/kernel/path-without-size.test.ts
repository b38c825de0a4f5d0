import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Agent } from './agent.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels } from './node.ts'

const BYTES = 64 << 20
const GOOD = '127.0.0.1'
const OTHER = '127.0.0.2'

describe.each(kernels('bookworm'))(
  'a path in the ALUA state unavailable, which tells an identity but no size, is not used (%s)',
  (debian) => {
    const it = onNode({
      debian,
      target: { portals: [`${GOOD}:3260`] },
      luns: [{ lun: 5, name: 'volume', serial: 'a1a1', bytes: BYTES }],
    })

    const core = '/sys/kernel/config/target'
    const asked = (target: Target) => ({
      iqn: target.iqn,
      name: 'db',
      portals: [OTHER, GOOD],
      mount: '/mnt/db',
    })

    /** A second target portal group at another address, whose LUN is in a separate port group. */
    async function make(node: LabNode, target: Target): Promise<void> {
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
      await access(node, UNAVAILABLE)
    }

    /** SPC-4 table 229. */
    const UNAVAILABLE = 3
    const OPTIMIZED = 0
    const access = (node: LabNode, state: number) =>
      node.sh(`echo ${state} > $(ls -d ${core}/core/*/volume)/alua/other/alua_access_state`)

    async function removeGroup(node: LabNode, target: Target): Promise<void> {
      await node.sh(`set -e
        group=${core}/iscsi/${target.iqn}/tpgt_2
        echo 0 > $group/enable
        rm $group/lun/lun_5/store
        rmdir $group/lun/lun_5 $group/np/* $group
        rmdir $(ls -d ${core}/core/*/volume)/alua/other`)
    }

    it('the volume is attached over the other path, also after a reboot, and this one is used once it tells a size', async ({
      node,
      target,
      engine,
    }) => {
      await make(node, target)
      const agent = await Agent.start(node)
      await engine.attach(5, { ...asked(target), format: true })
      expect(engine.warnings).toEqual([expect.stringMatching(/127\.0\.0\.2:3260 is not used: .*no size/)])
      const sizes = await node.sh('cat /sys/block/sd?/size')
      expect(new Set(sizes.trim().split('\n').map(Number))).toEqual(new Set([0, BYTES / 512]))
      expect(await engine.attach(5, asked(target))).toMatchObject({ state: 'ready' })
      const active = async () =>
        [...(await node.sh('dmsetup status --target multipath lunkeeper-db')).matchAll(/\d+:\d+ A /g)].length
      expect(await active()).toBe(1)
      // As after a reboot: no session, no map, only the record.
      await node.sh('umount /mnt/db')
      await agent.kill()
      await node.sh('dmsetup remove --noudevsync lunkeeper-db; iscsiadm -m node -u')
      await agent.start()
      await node.until(async () => (await node.storage()).mounts.includes('/mnt/db'), {
        deadline: 60_000,
        what: 'the volume, attached again',
      })
      expect(await active()).toBe(1)
      await access(node, OPTIMIZED)
      await node.until(async () => (await active()) === 2, { deadline: 60_000, what: 'the second path' })
      await node.sh('echo written > /mnt/db/file && sync /mnt/db/file')
      await engine.detach('db')
      await agent.stop()
      await expectNothingLeft(node)
      await removeGroup(node, target)
    })
  },
)

import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Agent } from './agent.ts'
import { onNode, onTwoNodes } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { loginByHand, logoutByHand } from './other-session.ts'
import { OURS } from './swap.ts'
import { expectCleanDetach, SEEN_MS } from './volume.ts'

const REGISTERED = 'cat /sys/kernel/config/target/core/fileio_*/ours/pr/res_pr_registered_i_pts'
/** A Lunkeeper key of a node that is neither `a` nor `b`. */
const OTHER = '0x4c4b0badcafe0001'
/**
 * This LIO cannot keep a registration over a restart, and reports an error, although it has registered the key. The
 * first command after a preemption only reports the preemption.
 */
const register = (node: LabNode, key: string) =>
  node.sh(`for each in 1 2; do sg_persist --out --register-ignore --param-sark=${key} /dev/sda || :; done`)

describe.each(kernels('bookworm'))('only the owner of a volume is registered (%s)', (debian) => {
  const it = onTwoNodes({ debian, luns: [OURS] })
  const registered = (array: LabNode) => array.sh(REGISTERED)
  const far = (portals: readonly string[]) => ({ portal: portals[0]!, disks: 1 })

  it('a node that was killed while it claimed the volume is not registered beside the next owner', async ({
    array,
    b,
    onA,
    target,
  }) => {
    await loginByHand(b, target, far(target.portals))
    await register(b, OTHER)
    expect(await registered(array)).toContain(OTHER)
    await onA.attach()
    expect(await registered(array)).not.toContain(OTHER)
    await logoutByHand(b, target, target.portals[0])
    await expectCleanDetach(onA)
    expect(await registered(array)).not.toContain('iqn.')
  })

  it('a node that registers after the volume was taken from it is removed by the owner’s agent', async ({
    array,
    a,
    b,
    onA,
    target,
  }) => {
    const agent = await Agent.start(a)
    await onA.mounted()
    await loginByHand(b, target, far(target.portals))
    await register(b, OTHER)
    await agent.errors(/iqn\.2026-01\.dev\.lunkeeper:b had registered beside this node/, SEEN_MS)
    expect(await registered(array)).not.toContain(OTHER)
    expect(await registered(array)).toContain('iqn.2026-01.dev.lunkeeper:a')
    await logoutByHand(b, target, target.portals[0])
    await expectCleanDetach(onA, agent)
  })

  it('a node that lost its power attaches its volume again by the mark of its file system, and removes what another one has registered', async ({
    array,
    a,
    b,
    onA,
    target,
  }) => {
    const agent = await Agent.start(a)
    await onA.mounted()
    await agent.kill()
    await loginByHand(b, target, far(target.portals))
    await register(b, OTHER)
    await a.sh('umount /mnt/db; dmsetup remove lunkeeper-db; iscsiadm -m node -u; rm -rf /run/lunkeeper')
    await agent.start()
    await agent.errors(/attached again/, SEEN_MS)
    expect(await registered(array)).not.toContain(OTHER)
    await logoutByHand(b, target, target.portals[0])
    await expectCleanDetach(onA, agent)
  })

  it('a node that finds that it has lost the volume removes its own key', async ({
    array,
    a,
    b,
    onA,
    onB,
  }) => {
    await onA.mounted()
    const key = /4c4b[0-9a-f]{12}/.exec(await registered(array))![0]
    await onB.again('--take-over')
    expect(await registered(array)).not.toContain(key)
    // As if it had been stopped before, and had registered a session since.
    await register(a, `0x${key}`)
    expect(await registered(array)).toContain(key)
    await lunkeeper(a).fails(['detach', 'db'], 'FENCED')
    expect(await registered(array)).not.toContain(key)
    await onA.detach('--force')
    await expectNothingLeft(a)
    await expectCleanDetach(onB)
    await expectNothingLeft(b)
  })

  it.for(['register:after', 'preempt:before', 'preempt:after'])(
    'a take-over that is killed at %s is completed by the next one',
    async (death, { array, a, b, onA, onB }) => {
      await onA.mounted('--fs', 'ext4')
      await a.sh('echo first > /mnt/db/file; sync -f /mnt/db')
      const again = ['attach', ...onB.flags, '--mount', onB.mount, '--take-over']
      const ended = await lunkeeper(b).run(again, { LUNKEEPER_DIE_AT: death })
      expect(ended.code, ended.stderr).toBe(null)
      const isTaken = death === 'preempt:after'
      const writes = await a.sh('(echo second > /mnt/db/file && sync -f /mnt/db) 2>&1 || echo failed')
      expect(writes.includes('failed')).toBe(isTaken)
      await onB.again('--take-over')
      expect(await b.read('/mnt/db/file')).toBe(isTaken ? 'first\n' : 'second\n')
      const keys = (await registered(array)).match(/Key: 0x[0-9a-f]+/g)
      expect(new Set(keys).size).toBe(1)
      await onA.detach('--force')
      await expectNothingLeft(a)
      await expectCleanDetach(onB)
      expect(await registered(array)).not.toContain('iqn.')
    },
  )
})

describe.each(kernels('bookworm'))('an attach that fails (%s)', (debian) => {
  const PORTALS = ['127.0.0.1', '127.0.0.2']
  const it = onNode({
    debian,
    agent: true,
    memory: 640,
    target: { portals: PORTALS.map((portal) => `${portal}:3260`) },
    luns: [OURS],
  })

  it('leaves the reservation of a volume that was attached before', async ({ node, volume }) => {
    await volume.mounted()
    const before = await node.sh(REGISTERED)
    expect(before).toContain('iqn.')
    // The new path is registered, but then cannot be added to the map.
    await node.sh(`
      cp /usr/sbin/dmsetup /tmp/dmsetup
      printf '#!/bin/sh\ncase $1 in load|reload) exit 1;; *) exec /tmp/dmsetup "$@";; esac\n' > /tmp/broken
      chmod +x /tmp/broken; mount --bind /tmp/broken /usr/sbin/dmsetup`)
    const ended = await lunkeeper(node).run([
      'attach',
      ...volume.with({ portals: PORTALS }).flags,
      '--mount',
      volume.mount,
    ])
    expect(ended.code, ended.stderr).not.toBe(0)
    await node.sh('umount /usr/sbin/dmsetup')
    expect(await node.sh(REGISTERED)).toContain(before.trim())
    expect((await volume.status()).owner).toMatchObject({ guard: 'reservation', mine: true })
    await volume.detach()
    expect(await node.sh(REGISTERED)).not.toContain('iqn.')
  })

  it.for([
    { mode: 'map', code: 'OWNER_UNKNOWN' },
    { mode: 'session', code: 'MODULE_MISSING' },
  ])(
    'without the module sg keeps the reservation of a volume that was attached before, held by its $mode',
    async ({ mode, code }, { node, volume }) => {
      await volume.attach('--hold-mode', mode)
      const { fence } = await recordOf(node, volume.name)
      expect(fence).toMatchObject({ key: expect.stringMatching(/^4c4b/) })
      await node.sh(`
        for each in /sys/block/sd*/device/delete; do echo 1 > $each; done
        mount --bind /dev/null $(modinfo --field filename sg)
        for n in $(seq 100); do modprobe -r sg && break; sleep 0.1; done; ! test -d /sys/module/sg`)
      const ended = await volume.refused(code, '--hold-mode', mode)
      expect(ended.stderr).toContain('modprobe sg')
      expect((await recordOf(node, volume.name)).fence).toEqual(fence)
      await node.sh('umount $(modinfo --field filename sg); modprobe sg')
      expect((await volume.attach('--hold-mode', mode)).owner).toMatchObject({
        guard: 'reservation',
        mine: true,
      })
      await volume.detach()
      expect(await node.sh(REGISTERED)).not.toContain('iqn.')
    },
  )
})

const recordOf = async (node: LabNode, name: string) =>
  JSON.parse(await node.read(`/var/lib/lunkeeper/volumes/${name}.json`)) as { readonly fence?: object }

import { beforeEach, describe, expect } from 'vitest'

import type { LabNode, Target } from '../../../lab/index.ts'
import type { Agent } from '../agent.ts'
import type { NodeFixtures } from '../fixtures.ts'
import { expectNothingLeft, isEverything, kernels, lunkeeper, remains } from '../node.ts'
import { expectNoError, Writer } from '../writer.ts'
import { onCsiNode } from './fixtures.ts'
import type { Claim, Kubelet } from './kubelet.ts'
import {
  claimOf,
  expectNothingPublished,
  mountable,
  publishing,
  staging,
  stagingPath,
  startDriver,
  targetPath,
  unpublishing,
} from './kubelet.ts'
import { publishAsBefore, statePath } from './old-driver.ts'

const NAME = ['--csi-driver', 'iscsi.csi.k8s.io']

describe.each(kernels('bookworm'))(
  'a volume that iscsi.csi.k8s.io has published is taken over (%s)',
  (debian) => {
    const it = onCsiNode({
      debian,
      memory: 768,
      multipathd: true,
      // As systemd sets it up.
      prepare: (node) => node.sh('mkdir -p /var/lib/kubelet'),
      target: { portals: ['127.0.0.1:3260', '127.0.0.2:3260'] },
      luns: [{ lun: 1, serial: '0a1' }],
      launch: (node) => startDriver(node, {}, NAME),
    })
    beforeEach<NodeFixtures>(({ node }) => node.sh('rm -rf /run/iscsi.csi.k8s.io /var/lib/kubelet/pods'))

    const old = (target: Target, id: string, lun: number, portals?: readonly string[]) => ({
      id,
      iqn: target.iqn,
      lun,
      ...(portals ? { portals } : {}),
    })
    const claim = (target: Target, volumeId: string, lun: number): Claim => ({
      ...claimOf(target, volumeId, { lun: String(lun), portals: '[]' }),
      volumeCapability: mountable('ext4', 'SINGLE_NODE_WRITER'),
    })
    const unpublish = (kubelet: Kubelet, id: string, pod = 'pod') =>
      kubelet.ok('nodeUnpublishVolume', unpublishing(id, pod))
    const refused = (kubelet: Kubelet, id: string, code: string, message: RegExp) =>
      kubelet.fails('nodeUnpublishVolume', unpublishing(id, 'pod'), code, message)
    const luns = async (node: LabNode) =>
      (await node.sh('ls /sys/class/scsi_disk')).split('\n').map((address) => Number(address.split(':')[3]))

    async function nothingLeft(node: LabNode, agent: Agent): Promise<void> {
      expect(await node.list('/run/iscsi.csi.k8s.io')).toEqual([])
      await expectNothingPublished(node)
      await agent.stop()
      await expectNothingLeft(node)
    }

    it('a volume goes with its last pod, and with it mount, disk, session, node record and state', async ({
      node,
      target,
      agent,
      kubelet,
    }) => {
      await publishAsBefore(node, old(target, 'vol', 1), 'pod')
      await unpublish(kubelet, 'vol')
      await unpublish(kubelet, 'vol')
      await nothingLeft(node, agent)
    })

    it('other volumes of the session stay as they are, and the next pod gets a held volume', async ({
      node,
      target,
      agent,
      kubelet,
    }) => {
      await target.map(2, { serial: '0a2', bytes: 32 << 20 })
      await target.map(3, { serial: '0a3', bytes: 32 << 20 })
      await publishAsBefore(node, old(target, 'vol', 1), 'pod')
      await publishAsBefore(node, old(target, 'other', 2), 'pod')
      expect(await luns(node)).toEqual([1, 2, 3])
      const writer = await Writer.start(node, `${targetPath('other', 'pod')}/file`)
      await node.sh(`echo written > ${targetPath('vol', 'pod')}/file`)
      // Replacing an agent changes nothing.
      const before = await remains(node)
      await agent.kill({ alone: true })
      await agent.start()
      expect((await remains(node)) as object).toMatchObject({
        ...(before as object),
        files: expect.anything(),
      })

      const stats = await kubelet.stats(claim(target, 'vol', 1), 'pod')
      expect(Number(stats.usage![0]!.total)).toBeGreaterThan(32 << 20)
      expect(stats.volumeCondition.message).toMatch(/published by iscsi.csi.k8s.io/)
      // A restarted kubelet requests what the pod already has.
      await node.mkdir(stagingPath('vol'))
      await kubelet.fails(
        'nodeStageVolume',
        staging(claim(target, 'vol', 1)),
        'FailedPrecondition',
        /still published/,
      )
      await kubelet.fails(
        'nodePublishVolume',
        publishing(claim(target, 'vol', 1), 'pod'),
        'FailedPrecondition',
        /not staged/,
      )

      await unpublish(kubelet, 'vol')
      expect(await luns(node)).toEqual([2, 3])
      expect(await node.exists(statePath('vol'))).toBe(false)
      expect(await node.exists(statePath('other'))).toBe(true)

      const volume = claim(target, 'vol', 1)
      await kubelet.bring(volume, 'pod')
      expect(await node.sh(`cat ${targetPath('vol', 'pod')}/file`)).toBe('written')
      expect((await lunkeeper(node).volumes())[0]).toMatchObject({ hold: { mode: 'map' } })
      await kubelet.release(volume, 'pod')

      await writer.resumes(10_000, 3)
      await expectNoError(writer)
      await unpublish(kubelet, 'other')
      // The owner of this disk is unknown: the disk stays, and its session with it.
      expect(await luns(node)).toEqual([3])
      await node.sh('iscsiadm -m session -u >/dev/null')
    })

    it('the first of two pods to go takes only its mount', async ({ node, target, agent, kubelet }) => {
      await publishAsBefore(node, old(target, 'vol', 1), 'pod')
      await publishAsBefore(node, old(target, 'vol', 1), 'pod-b')
      await unpublish(kubelet, 'vol', 'pod-b')
      expect((await node.storage()).mounts).toEqual([targetPath('vol', 'pod')])
      expect(await node.exists(targetPath('vol', 'pod-b'))).toBe(false)
      await unpublish(kubelet, 'vol')
      await nothingLeft(node, agent)
    })

    const moments = [
      'unmount:after',
      'flush:after',
      'delete-disk:after',
      'logout:after',
      'forget-session:before',
    ]
    it.for(isEverything ? moments : ['delete-disk:after'])(
      'the next call continues after a kill at %s',
      async (step, { node, target, agent, kubelet }) => {
        await publishAsBefore(node, old(target, 'vol', 1), 'pod')
        await agent.stop()
        await agent.start(() => startDriver(node, { LUNKEEPER_DIE_AT: step }, NAME))
        await kubelet.ask('nodeUnpublishVolume', unpublishing('vol', 'pod'))
        expect(await agent.process.exited).toMatchObject({ signal: 'SIGKILL' })
        await agent.start()
        await unpublish(kubelet, 'vol')
        await nothingLeft(node, agent)
      },
    )

    it('a volume that was unmounted by hand can be staged all the same', async ({
      node,
      target,
      kubelet,
    }) => {
      await publishAsBefore(node, old(target, 'vol', 1), 'pod')
      await node.sh(`umount ${targetPath('vol', 'pod')}`)
      const volume = claim(target, 'vol', 1)
      await kubelet.stage(volume)
      expect(await node.exists(statePath('vol'))).toBe(false)
      await kubelet.unstage(volume)
      expect((await node.storage()).sessions).toEqual([])
    })

    it('anything that cannot be identified as the volume is refused with a reason, and not touched', async ({
      node,
      target,
      kubelet,
    }) => {
      await target.map(2, { serial: '0a2', bytes: 32 << 20 })
      await publishAsBefore(node, old(target, 'vol', 1), 'pod')
      const at = targetPath('vol', 'pod')
      const state = JSON.parse(await node.read(statePath('vol'))) as Record<string, unknown>
      const before = await node.storage()
      const stays = async () =>
        expect(await node.storage()).toMatchObject({ mounts: before.mounts, disks: before.disks })

      await node.write(statePath('vol'), JSON.stringify({ ...state, lun: 2 }))
      await refused(
        kubelet,
        'vol',
        'FailedPrecondition',
        /not what iscsi.csi.k8s.io recorded for vol: sda?b?, LUN 2/,
      )
      await stays()
      await node.write(statePath('vol'), JSON.stringify(state).slice(0, 200))
      await refused(kubelet, 'vol', 'Internal', /it is not JSON/)
      await stays()
      await node.remove(statePath('vol'))
      await refused(kubelet, 'vol', 'FailedPrecondition', /, and is not vol/)
      await stays()

      // The LUN was given to another volume meanwhile: unwritten data must not go there.
      await node.write(statePath('vol'), JSON.stringify(state))
      await node.sh(`echo dirty > ${at}/file`)
      await target.unmap([1])
      await target.map(1, { serial: '0a9' })
      const hash = await target.hash(1)
      await refused(kubelet, 'vol', 'FailedPrecondition', /IDENTITY_MISMATCH/)
      expect(await target.hash(1)).toBe(hash)
    })

    it.runIf(isEverything)(
      'a volume waits for a target that is away, and is removed once the kernel has given up',
      async ({ node, target, agent, kubelet }) => {
        await publishAsBefore(node, old(target, 'vol', 1), 'pod')
        await node.sh(`echo dirty > ${targetPath('vol', 'pod')}/file`)
        await node.sh('for timer in /sys/class/iscsi_session/*/recovery_tmo; do echo 15 > $timer; done')
        await target.disable()
        await node.until(async () => (await node.sh('cat /sys/class/iscsi_session/*/state')) === 'FAILED', {
          what: 'the loss',
        })
        await refused(kubelet, 'vol', 'Unavailable', /TARGET_AWAY/)
        expect((await kubelet.stats(claim(target, 'vol', 1), 'pod')).volumeCondition).toMatchObject({
          abnormal: true,
        })
        await node.until(
          async () => (await node.sh('cat /sys/class/scsi_disk/*/device/state')) === 'transport-offline',
          {
            deadline: 30_000,
            what: 'the end of its timer',
          },
        )
        await unpublish(kubelet, 'vol')
        await nothingLeft(node, agent)
      },
    )

    // This test is the last one, because multipathd keeps what it has learned.
    it('a volume over two portals goes with the map of multipathd', async ({
      node,
      target,
      agent,
      kubelet,
    }) => {
      await node.write('/etc/multipath.conf', 'defaults {\n find_multipaths no\n user_friendly_names no\n}\n')
      await node.sh('multipathd reconfigure; sleep 1')
      await publishAsBefore(node, old(target, 'vol', 1, ['127.0.0.1:3260', '127.0.0.2:3260']), 'pod')
      expect((await node.storage()).maps).toHaveLength(1)
      expect((await kubelet.stats(claim(target, 'vol', 1), 'pod')).volumeCondition.message).toMatch(
        /published by/,
      )
      await unpublish(kubelet, 'vol')
      expect((await node.storage()).maps).toEqual([])
      await nothingLeft(node, agent)
    })
  },
)

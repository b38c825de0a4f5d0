import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../../lab/index.ts'
import { Lab } from '../../../lab/index.ts'
import { expectNothingLeft, isEverything, kernels, lunkeeper, remains } from '../node.ts'
import { Writer } from '../writer.ts'
import type { Claim } from './kubelet.ts'
import {
  expectNothingPublished,
  Kubelet,
  mountable,
  publishing,
  staging,
  stagingPath,
  startDriver,
  targetPath,
  unpublishing,
} from './kubelet.ts'
import { publishAsBefore, statePath } from './old-driver.ts'

const MIB = 1 << 20
const NAME = ['--csi-driver', 'iscsi.csi.k8s.io']

describe.each(kernels('bookworm'))('volumes that iscsi.csi.k8s.io has published (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess
  let kubelet: Kubelet

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 768, multipathd: true })
    // As systemd leaves it.
    await node.sh('mkdir -p /var/lib/kubelet')
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    await node.reset()
    await node.sh('rm -rf /run/iscsi.csi.k8s.io /var/lib/kubelet/pods')
    target = await node.lio.target({ portals: ['127.0.0.1:3260', '127.0.0.2:3260'] })
    await target.map(1, { serial: '0a1', bytes: 64 * MIB })
    agent = await startDriver(node, {}, NAME)
    kubelet = await Kubelet.start(node)
  })

  const old = (id: string, lun: number, portals?: readonly string[]) => ({
    id,
    iqn: target.iqn,
    lun,
    ...(portals ? { portals } : {}),
  })
  const claim = (volumeId: string, lun: number): Claim => ({
    volumeId,
    volumeContext: { targetPortal: '127.0.0.1', iqn: target.iqn, lun: String(lun), portals: '[]' },
    volumeCapability: mountable('ext4', 'SINGLE_NODE_WRITER'),
  })
  const unpublish = (id: string, pod = 'pod') => kubelet.ok('nodeUnpublishVolume', unpublishing(id, pod))
  const refused = (id: string, code: string, message: RegExp) =>
    kubelet.fails('nodeUnpublishVolume', unpublishing(id, 'pod'), code, message)
  const luns = async () =>
    (await node.sh('ls /sys/class/scsi_disk')).split('\n').map((address) => Number(address.split(':')[3]))

  async function nothingLeft(): Promise<void> {
    expect(await node.list('/run/iscsi.csi.k8s.io')).toEqual([])
    await expectNothingPublished(node)
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(node)
  }

  it('goes with its last pod: mount, disk, session, node record, state', async () => {
    await publishAsBefore(node, old('vol', 1), 'pod')
    await unpublish('vol')
    await unpublish('vol')
    await nothingLeft()
  })

  it('its neighbours in the session stay as they are, and the next pod gets it held', async () => {
    await target.map(2, { serial: '0a2', bytes: 32 * MIB })
    await target.map(3, { serial: '0a3', bytes: 32 * MIB })
    await publishAsBefore(node, old('vol', 1), 'pod')
    await publishAsBefore(node, old('other', 2), 'pod')
    expect(await luns()).toEqual([1, 2, 3])
    const writer = await Writer.start(node, `${targetPath('other', 'pod')}/file`)
    await node.sh(`echo written > ${targetPath('vol', 'pod')}/file`)
    // An agent that is replaced changes nothing.
    const before = await remains(node)
    await agent.kill('SIGKILL', { alone: true })
    await agent.exited
    agent = await startDriver(node, {}, NAME)
    expect((await remains(node)) as object).toMatchObject({ ...(before as object), files: expect.anything() })

    const stats = await kubelet.stats(claim('vol', 1), 'pod')
    expect(Number(stats.usage![0]!.total)).toBeGreaterThan(32 * MIB)
    expect(stats.volumeCondition.message).toMatch(/published by iscsi.csi.k8s.io/)
    // A kubelet that was restarted asks for what the pod has already.
    await node.mkdir(stagingPath('vol'))
    await kubelet.fails('nodeStageVolume', staging(claim('vol', 1)), 'FailedPrecondition', /still published/)
    await kubelet.fails(
      'nodePublishVolume',
      publishing(claim('vol', 1), 'pod'),
      'FailedPrecondition',
      /not staged/,
    )

    await unpublish('vol')
    expect(await luns()).toEqual([2, 3])
    expect(await node.exists(statePath('vol'))).toBe(false)
    expect(await node.exists(statePath('other'))).toBe(true)

    const volume = claim('vol', 1)
    await kubelet.stage(volume)
    await kubelet.publish(volume, 'pod')
    expect(await node.sh(`cat ${targetPath('vol', 'pod')}/file`)).toBe('written')
    expect((await lunkeeper(node).volumes())[0]).toMatchObject({ hold: { mode: 'map' } })
    await kubelet.unpublish(volume, 'pod')
    await kubelet.unstage(volume)

    await writer.goesOn(10_000, 3)
    await writer.stop()
    expect(writer.errors).toBe(0)
    await unpublish('other')
    // Nobody said whose this one is: it stays, and its session with it.
    expect(await luns()).toEqual([3])
    await node.sh('iscsiadm -m session -u >/dev/null')
  })

  it('two pods: the first to go takes only its mount', async () => {
    await publishAsBefore(node, old('vol', 1), 'pod')
    await publishAsBefore(node, old('vol', 1), 'pod-b')
    await unpublish('vol', 'pod-b')
    expect((await node.storage()).mounts).toEqual([targetPath('vol', 'pod')])
    expect(await node.exists(targetPath('vol', 'pod-b'))).toBe(false)
    await unpublish('vol')
    await nothingLeft()
  })

  const moments = [
    'unmount:after',
    'flush:after',
    'delete-disk:after',
    'logout:after',
    'forget-session:before',
  ]
  it.each(isEverything ? moments : ['delete-disk:after'])(
    'killed at %s, the next call goes on from there',
    async (step) => {
      await publishAsBefore(node, old('vol', 1), 'pod')
      await agent.kill('SIGTERM')
      await agent.exited
      const dying = await startDriver(node, { LUNKEEPER_DIE_AT: step }, NAME)
      await kubelet.ask('nodeUnpublishVolume', unpublishing('vol', 'pod'))
      expect(await dying.exited).toMatchObject({ signal: 'SIGKILL' })
      agent = await startDriver(node, {}, NAME)
      await unpublish('vol')
      await nothingLeft()
    },
  )

  it('cut off by hand, between unmount and the end: the volume may be staged all the same', async () => {
    await publishAsBefore(node, old('vol', 1), 'pod')
    await node.sh(`umount ${targetPath('vol', 'pod')}`)
    const volume = claim('vol', 1)
    await kubelet.stage(volume)
    expect(await node.exists(statePath('vol'))).toBe(false)
    await kubelet.unstage(volume)
    expect((await node.storage()).sessions).toEqual([])
  })

  it('what cannot be known to be the volume is refused in words, and not touched', async () => {
    await target.map(2, { serial: '0a2', bytes: 32 * MIB })
    await publishAsBefore(node, old('vol', 1), 'pod')
    const at = targetPath('vol', 'pod')
    const state = JSON.parse(await node.read(statePath('vol'))) as Record<string, unknown>
    const before = await node.storage()
    const stays = async () =>
      expect(await node.storage()).toMatchObject({ mounts: before.mounts, disks: before.disks })

    await node.write(statePath('vol'), JSON.stringify({ ...state, lun: 2 }))
    await refused('vol', 'FailedPrecondition', /not what iscsi.csi.k8s.io noted of vol: sda?b?, LUN 2/)
    await stays()
    await node.write(statePath('vol'), JSON.stringify(state).slice(0, 200))
    await refused('vol', 'Internal', /not understood: it is no JSON/)
    await stays()
    await node.remove(statePath('vol'))
    await refused('vol', 'FailedPrecondition', /which is not vol/)
    await stays()

    // The LUN was given to another volume meanwhile: what is unwritten must not go there.
    await node.write(statePath('vol'), JSON.stringify(state))
    await node.sh(`echo dirty > ${at}/file`)
    await target.unmap([1])
    await target.map(1, { serial: '0a9', bytes: 64 * MIB })
    const hash = await target.hash(1)
    await refused('vol', 'FailedPrecondition', /IDENTITY_MISMATCH/)
    expect(await target.hash(1)).toBe(hash)
  })

  it.runIf(isEverything)('a target that is away: waits for it; given up by the kernel, it goes', async () => {
    await publishAsBefore(node, old('vol', 1), 'pod')
    await node.sh(`echo dirty > ${targetPath('vol', 'pod')}/file`)
    await node.sh('for timer in /sys/class/iscsi_session/*/recovery_tmo; do echo 15 > $timer; done')
    await target.disable()
    await node.until(async () => (await node.sh('cat /sys/class/iscsi_session/*/state')) === 'FAILED', {
      what: 'the loss',
    })
    await refused('vol', 'Unavailable', /TARGET_AWAY/)
    expect((await kubelet.stats(claim('vol', 1), 'pod')).volumeCondition).toMatchObject({ abnormal: true })
    await node.until(
      async () => (await node.sh('cat /sys/class/scsi_disk/*/device/state')) === 'transport-offline',
      {
        deadline: 30_000,
        what: 'the end of its timer',
      },
    )
    await unpublish('vol')
    await nothingLeft()
  })

  // The last one: multipathd keeps what it has learned.
  it("two portals: with multipathd's map", async () => {
    await node.write('/etc/multipath.conf', 'defaults {\n find_multipaths no\n user_friendly_names no\n}\n')
    await node.sh('multipathd reconfigure; sleep 1')
    await publishAsBefore(node, old('vol', 1, ['127.0.0.1:3260', '127.0.0.2:3260']), 'pod')
    expect((await node.storage()).maps).toHaveLength(1)
    expect((await kubelet.stats(claim('vol', 1), 'pod')).volumeCondition.message).toMatch(/published by/)
    await unpublish('vol')
    expect((await node.storage()).maps).toEqual([])
    await nothingLeft()
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../../lab/index.ts'
import { Lab } from '../../../lab/index.ts'
import { expectNothingLeft, isEverything, kernels } from '../node.ts'
import { Writer } from '../writer.ts'
import { startInContainer } from './container.ts'
import type { Claim } from './kubelet.ts'
import {
  block,
  expectNothingPublished,
  Kubelet,
  mountable,
  SOCKET,
  staging,
  stagingPath,
  targetPath,
  unpublishing,
} from './kubelet.ts'
import { publishAsBefore, statePath } from './old-driver.ts'

const MIB = 1 << 20

describe.each(kernels('bookworm'))('the agent in a container of its image (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess
  let kubelet: Kubelet

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 768 })
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(1, { serial: 'c001', bytes: 64 * MIB })
    await target.map(2, { serial: 'c002', bytes: 32 * MIB })
    await start()
    kubelet = await Kubelet.start(node)
  })
  afterAll(() => lab?.close())

  async function start(...more: string[]): Promise<void> {
    const csi = ['--csi-endpoint', `unix://${SOCKET}`, '--csi-node', 'node-1', ...more]
    agent = await startInContainer(node, ['--http', '127.0.0.1:9808', ...csi])
    await agent.errors(/csi: .* as node/)
  }

  async function end(): Promise<void> {
    await agent.kill('SIGTERM')
    await agent.exited
  }

  const claim = (volumeId: string, lun: string, volumeCapability: Claim['volumeCapability']): Claim => ({
    volumeId,
    volumeContext: { targetPortal: '127.0.0.1', iqn: target.iqn, lun, hold: '120s' },
    volumeCapability,
  })
  const metrics = async () =>
    node.sh(
      `node -e 'fetch("http://127.0.0.1:9808/metrics").then(async (page) => console.log(await page.text()))'`,
    )

  it('sees the host as it is', async () => {
    expect(await kubelet.ok('probe')).toEqual({ ready: true })
    expect(
      await node.sh(
        `node -e 'fetch("http://127.0.0.1:9808/readyz").then((page) => console.log(page.status))'`,
      ),
    ).toBe('200')
  })

  it("a file system: made with the host's programs, mounted where the host sees it, kept in an outage, grown", async () => {
    const volume = claim('files', '1', mountable('ext4'))
    await kubelet.stage(volume)
    await kubelet.publish(volume, 'pod')
    const at = targetPath('files', 'pod')
    expect((await node.storage()).mounts.toSorted()).toEqual([at, stagingPath('files')].toSorted())
    const writer = await Writer.start(node, `${at}/file`)
    await target.disable()
    await agent.errors(/all paths lost/)
    expect((await kubelet.stats(volume, 'pod')).volumeCondition).toMatchObject({ abnormal: true })
    expect(await metrics()).toMatch(/^lunkeeper_volumes\{state="holding"\} 1$/m)
    await target.enable()
    await writer.goesOn(30_000, 5)
    await writer.stop()
    expect(writer.errors).toBe(0)
    await target.resize(1, 128 * MIB)
    expect(await kubelet.ok('nodeExpandVolume', { volumeId: 'files', volumePath: at })).toEqual({
      capacityBytes: String(128 * MIB),
    })
    const page = await metrics()
    expect(page).toMatch(/^lunkeeper_outages_total 1$/m)
    expect(page).toMatch(/^lunkeeper_outage_duration_seconds_count\{io="waited"\} 1$/m)
    expect(page).toMatch(
      /^lunkeeper_csi_call_duration_seconds_count\{method="NodeStageVolume",code="OK"\} 1$/m,
    )
    expect(page).toMatch(/^lunkeeper_volume_hold_wanted_seconds\{volume="csi-files-\w+"\} 120$/m)
    await kubelet.unpublish(volume, 'pod')
    await kubelet.unstage(volume)
  })

  it('a device', async () => {
    const volume = claim('device', '2', block())
    await kubelet.stage(volume)
    await kubelet.publish(volume, 'vm')
    await node.sh(
      `printf data | dd of=${targetPath('device', 'vm')} bs=1M seek=3 conv=notrunc,fsync status=none`,
    )
    expect((await target.bytes(2, 3 * MIB, 4)).toString()).toBe('data')
    await kubelet.unpublish(volume, 'vm')
    await kubelet.unstage(volume)
  })

  it('stays small, and leaves nothing', async () => {
    const memory = Number(/^process_resident_memory_bytes (\d+)$/m.exec(await metrics())![1])
    console.log(`agent: ${Math.round(memory / MIB)} MB`)
    // What an idle agent may have is 120 MB.
    expect(memory / MIB).toBeLessThan(120)
    await expectNothingPublished(node)
    await end()
    await expectNothingLeft(node)
    expect(await node.exists(SOCKET)).toBe(false)
  })

  describe('in the place of iscsi.csi.k8s.io, whose notes and mounts are the host’s', () => {
    const old = (id: string, lun: number) => ({ id, iqn: target.iqn, lun })

    it('a volume that it published goes with its last pod; its neighbour stays, and the next pod gets it held', async () => {
      await publishAsBefore(node, old('vol', 1), 'pod')
      await start('--csi-driver', 'iscsi.csi.k8s.io')
      // One that it publishes when we are there already: before the old pod is replaced on another node.
      await publishAsBefore(node, old('vol', 1), 'pod-b')
      await publishAsBefore(node, old('other', 2), 'pod')
      const volume = claim('vol', '1', mountable('ext4', 'SINGLE_NODE_WRITER'))
      await node.sh(`echo written > ${targetPath('vol', 'pod')}/old`)
      const { volumeCondition } = await kubelet.stats(volume, 'pod')
      expect(volumeCondition.message).toMatch(/published by iscsi.csi.k8s.io/)
      await kubelet.fails('nodeStageVolume', staging(volume), 'FailedPrecondition', /still published/)
      await kubelet.unpublish(volume, 'pod-b')
      expect(await node.exists(targetPath('vol', 'pod-b'))).toBe(false)
      expect((await node.storage()).mounts).toContain(targetPath('vol', 'pod'))
      await kubelet.unpublish(volume, 'pod')
      await kubelet.unpublish(volume, 'pod')
      expect([await node.exists(statePath('vol')), await node.exists(statePath('other'))]).toEqual([
        false,
        true,
      ])
      expect((await node.storage()).mounts).toEqual([targetPath('other', 'pod')])

      await kubelet.stage(volume)
      await kubelet.publish(volume, 'pod')
      expect(await node.sh(`cat ${targetPath('vol', 'pod')}/old`)).toBe('written')
      expect(await metrics()).toMatch(/^lunkeeper_volumes\{state="ready"\} 1$/m)
      await kubelet.unpublish(volume, 'pod')
      await kubelet.unstage(volume)
      await kubelet.unpublish(claim('other', '2', mountable()), 'pod')
      expect(await node.list('/run/iscsi.csi.k8s.io')).toEqual([])
      await expectNothingPublished(node)
      await end()
      await expectNothingLeft(node)
    })

    it.runIf(isEverything)(
      'cut off in the middle, the next agent goes on; what cannot be known to be the volume stays',
      async () => {
        // Its session would stay for a disk of which nobody says whose it is.
        await target.unmap(2)
        await publishAsBefore(node, old('vol', 1), 'pod')
        const state = JSON.parse(await node.read(statePath('vol'))) as Record<string, unknown>
        await node.write(statePath('vol'), JSON.stringify({ ...state, lun: 2 }))
        await start('--csi-driver', 'iscsi.csi.k8s.io')
        const at = unpublishing('vol', 'pod')
        await kubelet.fails(
          'nodeUnpublishVolume',
          at,
          'FailedPrecondition',
          /not what iscsi.csi.k8s.io noted of vol/,
        )
        expect((await node.storage()).mounts).toEqual([targetPath('vol', 'pod')])
        await node.write(statePath('vol'), JSON.stringify(state))
        await node.sh(`umount ${targetPath('vol', 'pod')}`)
        await agent.kill('SIGKILL')
        await agent.exited
        await start('--csi-driver', 'iscsi.csi.k8s.io')
        await kubelet.ok('nodeUnpublishVolume', at)
        expect(await node.list('/run/iscsi.csi.k8s.io')).toEqual([])
        await expectNothingPublished(node)
        await end()
        await expectNothingLeft(node)
      },
    )
  })
})

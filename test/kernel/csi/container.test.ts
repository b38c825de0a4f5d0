import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../../lab/index.ts'
import type { Launch } from '../agent.ts'
import { expectNothingLeft, isEverything, kernels } from '../node.ts'
import { expectNoError, Writer } from '../writer.ts'
import { startInContainer } from './container.ts'
import { onCsiNode } from './fixtures.ts'
import type { Claim } from './kubelet.ts'
import {
  block,
  claimOf,
  expectNothingPublished,
  mountable,
  SOCKET,
  staging,
  stagingPath,
  targetPath,
  unpublishing,
} from './kubelet.ts'
import { publishAsBefore, statePath } from './old-driver.ts'

const MIB = 1 << 20

describe.each(kernels('bookworm'))('the agent works in a container of its image (%s)', (debian) => {
  const launch =
    (...more: string[]): Launch =>
    async (node) => {
      const csi = ['--csi-endpoint', `unix://${SOCKET}`, '--csi-node', 'node-1', ...more]
      const agent = await startInContainer(node, ['--http', '127.0.0.1:9808', ...csi])
      await agent.errors(/csi: .* as node/)
      return agent
    }
  const replacing = launch('--csi-driver', 'iscsi.csi.k8s.io')
  const it = onCsiNode({
    debian,
    memory: 768,
    after: 'keep',
    luns: [
      { lun: 1, serial: 'c001' },
      { lun: 2, serial: 'c002', bytes: 32 * MIB },
    ],
    launch: launch(),
  })

  const claim = (
    target: Target,
    volumeId: string,
    lun: string,
    volumeCapability: Claim['volumeCapability'],
  ): Claim => ({
    ...claimOf(target, volumeId, { lun, hold: '120s' }),
    volumeCapability,
  })
  const metrics = async (node: LabNode) =>
    node.sh(
      `node -e 'fetch("http://127.0.0.1:9808/metrics").then(async (page) => console.log(await page.text()))'`,
    )

  it('the agent sees the host as it is', async ({ node, kubelet }) => {
    expect(await kubelet.ok('probe')).toEqual({ ready: true })
    expect(
      await node.sh(
        `node -e 'fetch("http://127.0.0.1:9808/readyz").then((page) => console.log(page.status))'`,
      ),
    ).toBe('200')
  })

  it('a file system is made with the programs of the host, mounted where the host sees it, held in an outage, and grown', async ({
    node,
    target,
    agent,
    kubelet,
  }) => {
    const volume = claim(target, 'files', '1', mountable('ext4'))
    await kubelet.bring(volume, 'pod')
    const at = targetPath('files', 'pod')
    expect((await node.storage()).mounts.toSorted()).toEqual([at, stagingPath('files')].toSorted())
    const writer = await Writer.start(node, `${at}/file`)
    await target.disable()
    await agent.errors(/all paths lost/)
    expect((await kubelet.stats(volume, 'pod')).volumeCondition).toMatchObject({ abnormal: true })
    expect(await metrics(node)).toMatch(/^lunkeeper_volumes\{state="holding"\} 1$/m)
    await target.enable()
    await writer.resumes(30_000, 5)
    await expectNoError(writer)
    await target.resize(1, 128 * MIB)
    expect(await kubelet.ok('nodeExpandVolume', { volumeId: 'files', volumePath: at })).toEqual({
      capacityBytes: String(128 * MIB),
    })
    const page = await metrics(node)
    expect(page).toMatch(/^lunkeeper_outages_total 1$/m)
    expect(page).toMatch(/^lunkeeper_outage_duration_seconds_count\{io="waited"\} 1$/m)
    expect(page).toMatch(
      /^lunkeeper_csi_call_duration_seconds_count\{method="NodeStageVolume",code="OK"\} 1$/m,
    )
    expect(page).toMatch(/^lunkeeper_volume_hold_wanted_seconds\{volume="csi-files-\w+"\} 120$/m)
    await kubelet.release(volume, 'pod')
  })

  it('a device is published', async ({ node, target, kubelet }) => {
    const volume = claim(target, 'device', '2', block())
    await kubelet.bring(volume, 'vm')
    await node.sh(
      `printf data | dd of=${targetPath('device', 'vm')} bs=1M seek=3 conv=notrunc,fsync status=none`,
    )
    expect((await target.bytes(2, 3 * MIB, 4)).toString()).toBe('data')
    await kubelet.release(volume, 'vm')
  })

  it('the agent stays small, and leaves nothing', async ({ node, agent }) => {
    const memory = Number(/^process_resident_memory_bytes (\d+)$/m.exec(await metrics(node))![1])
    console.log(`agent: ${Math.round(memory / MIB)} MB`)
    // An idle agent may use 120 MB.
    expect(memory / MIB).toBeLessThan(120)
    await expectNothingPublished(node)
    await agent.stop()
    await expectNothingLeft(node)
    expect(await node.exists(SOCKET)).toBe(false)
  })

  describe('the agent replaces iscsi.csi.k8s.io, whose notes and mounts are the host’s', () => {
    const old = (target: Target, id: string, lun: number) => ({ id, iqn: target.iqn, lun })

    it('a volume of that driver goes with its last pod, its neighbour stays, and the next pod gets a held volume', async ({
      node,
      target,
      agent,
      kubelet,
    }) => {
      await publishAsBefore(node, old(target, 'vol', 1), 'pod')
      await agent.start(replacing)
      // A volume that it publishes when our agent is already running: before the old pod is replaced on another
      // node.
      await publishAsBefore(node, old(target, 'vol', 1), 'pod-b')
      await publishAsBefore(node, old(target, 'other', 2), 'pod')
      const volume = claim(target, 'vol', '1', mountable('ext4', 'SINGLE_NODE_WRITER'))
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

      await kubelet.bring(volume, 'pod')
      expect(await node.sh(`cat ${targetPath('vol', 'pod')}/old`)).toBe('written')
      expect(await metrics(node)).toMatch(/^lunkeeper_volumes\{state="ready"\} 1$/m)
      await kubelet.release(volume, 'pod')
      await kubelet.unpublish(claim(target, 'other', '2', mountable()), 'pod')
      expect(await node.list('/run/iscsi.csi.k8s.io')).toEqual([])
      await expectNothingPublished(node)
      await agent.stop()
      await expectNothingLeft(node)
    })

    it.runIf(isEverything)(
      'the next agent continues after an interruption, and anything that cannot be identified as the volume stays',
      async ({ node, target, agent, kubelet }) => {
        // Otherwise the session would stay because of a disk whose owner is unknown.
        await target.unmap(2)
        await publishAsBefore(node, old(target, 'vol', 1), 'pod')
        const state = JSON.parse(await node.read(statePath('vol'))) as Record<string, unknown>
        await node.write(statePath('vol'), JSON.stringify({ ...state, lun: 2 }))
        await agent.start(replacing)
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
        await agent.kill()
        await agent.start(replacing)
        await kubelet.ok('nodeUnpublishVolume', at)
        expect(await node.list('/run/iscsi.csi.k8s.io')).toEqual([])
        await expectNothingPublished(node)
        await agent.stop()
        await expectNothingLeft(node)
      },
    )
  })
})

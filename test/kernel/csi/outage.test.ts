import { afterEach, describe, expect } from 'vitest'

import type { LabNode, Target } from '../../../lab/index.ts'
import { patient } from '../../../lab/index.ts'
import type { NodeFixtures } from '../fixtures.ts'
import { kernels } from '../node.ts'
import { expectNoError, expectNothingLost, Writer } from '../writer.ts'
import { onCsiNode } from './fixtures.ts'
import type { Claim, Kubelet, Stats } from './kubelet.ts'
import { claimOf, expectNothingPublished, publishing, staging, stagingPath, targetPath } from './kubelet.ts'

/** Limit of every answer in an outage: within the patience of a kubelet, and of a user. */
const BOUNDED = 8_000

describe.each(kernels('trixie'))('a CSI volume is held in an outage (%s)', (debian) => {
  const it = onCsiNode({ debian, memory: 768, after: 'clear', luns: [{ lun: 5, serial: 'c515' }] })
  // Clean up after a failure, so that the next test does not fail as well.
  afterEach<NodeFixtures>(({ node }) =>
    node.sh(`
      set +e
      # A writer that opens its file again would make it in the directory beneath the next test's mount.
      pkill -KILL -f [g]uest/writer.mjs
      for point in $(awk '$2 ~ "/kubelet/pods/" { print $2 }' /proc/mounts); do umount -l $point; done
      for record in /var/lib/lunkeeper/volumes/*.json; do
        [ -e $record ] && lunkeeper detach --force $(basename $record .json)
      done; rm -rf /var/lib/kubelet/*; true`),
  )

  const at = (pod: string) => targetPath('pv', pod)
  /** Waits until a kubelet that asks gets this condition of the volume. */
  const told = (node: LabNode, kubelet: Kubelet, condition: RegExp, volumePath = at('pod-a')) =>
    node.until(
      async () => {
        const { result } = await kubelet.ask('nodeGetVolumeStats', { volumeId: 'pv', volumePath })
        return condition.test((result as Stats | undefined)?.volumeCondition.message ?? '')
      },
      { deadline: 60_000, what: `the condition ${condition}` },
    )

  async function used(
    node: LabNode,
    target: Target,
    kubelet: Kubelet,
    hold: string,
  ): Promise<{ volume: Claim; writer: Writer }> {
    const volume = claimOf(target, 'pv', { hold })
    await kubelet.bring(volume, 'pod-a')
    return { volume, writer: await Writer.start(node, `${at('pod-a')}/file`) }
  }

  async function nothingLeft(node: LabNode): Promise<void> {
    await expectNothingPublished(node)
    const { disks, maps, mounts } = await node.storage()
    expect({ disks, maps, mounts }).toEqual({ disks: [], maps: [], mounts: [] })
    expect(await node.list('/var/lib/lunkeeper/volumes')).toEqual([])
  }

  it('every call answers in bounded time and reports the outage, and the writer resumes afterwards', async ({
    node,
    target,
    kubelet,
  }) => {
    const { volume, writer } = await used(node, target, kubelet, '300s')
    const healthy = await kubelet.stats(volume, 'pod-a')
    await target.disable()
    await told(node, kubelet, /I\/O is held until/)
    const stats = await kubelet.ask('nodeGetVolumeStats', { volumeId: 'pv', volumePath: at('pod-a') })
    expect(stats.result).toMatchObject({
      usage: [{ unit: 'BYTES', total: healthy.usage![0]!.total }, { unit: 'INODES' }],
      volumeCondition: { abnormal: true, message: expect.stringMatching(/I\/O is held until 2/) },
    })
    const health = async () =>
      (await kubelet.ok<{ volumeHealth: object }>('nodeGetVolumeHealth', { volumeId: 'pv' })).volumeHealth
    expect(await health()).toMatchObject({
      volumeId: 'pv',
      healthStatuses: [
        { status: 'INACCESSIBLE', reason: 'TargetAway', message: expect.stringMatching(/until 2/) },
      ],
    })
    // A final status would tell the kubelet that nothing is left to be unstaged.
    const broken = { ...staging(volume), secrets: { 'node.session.auth.username': 'only' } }
    await kubelet.fails('nodeStageVolume', broken, 'Unavailable', /BAD_CHAP/)
    // From a kubelet that was restarted, for another pod, and for one that goes away.
    const calls = [
      await kubelet.ask('nodeStageVolume', staging(volume)),
      await kubelet.ask('nodePublishVolume', publishing(volume, 'pod-a')),
      await kubelet.ask('nodePublishVolume', publishing(volume, 'pod-b')),
      await kubelet.ask('nodeUnpublishVolume', { volumeId: 'pv', targetPath: at('pod-b') }),
    ]
    expect(calls.map(({ code, message }) => code && `${code}: ${message}`)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    for (const { ms } of [stats, ...calls]) expect(ms).toBeLessThan(patient(BOUNDED))
    await target.enable()
    await writer.resumes(30_000, 5)
    await expectNothingLost(writer)
    await told(node, kubelet, /^ready$/)
    expect(await health()).toEqual({ volumeId: 'pv' })
    await kubelet.unpublish(volume, 'pod-a')
    // It cannot lose what it has not written: unstage waits for the target, and reports that.
    await node.sh(`echo unwritten > ${stagingPath('pv')}/file`)
    await target.disable()
    await told(node, kubelet, /I\/O is held/, stagingPath('pv'))
    const refused = await kubelet.fails(
      'nodeUnstageVolume',
      { volumeId: 'pv', stagingTargetPath: stagingPath('pv') },
      'Unavailable',
      /TARGET_AWAY/,
    )
    expect(refused.ms).toBeLessThan(patient(BOUNDED))
    await target.enable()
    await told(node, kubelet, /^ready$/, stagingPath('pv'))
    await kubelet.unstage(volume)
    await nothingLeft(node)
  })

  it('a pod that comes back to the node after the end of the hold gets a healthy file system without an unstage', async ({
    node,
    target,
    agent,
    kubelet,
  }) => {
    const { volume, writer } = await used(node, target, kubelet, '3s')
    await target.disable()
    await writer.fails(30_000)
    await told(node, kubelet, /its hold is over/)
    const touched = async () =>
      (await node.run(['sh', '-c', `touch ${at('pod-a')}/$$ && sync -f ${at('pod-a')}`])).code
    await node.until(async () => (await touched()) !== 0 && (await touched()) !== 0, {
      deadline: 30_000,
      what: 'a broken file system',
    })
    await target.enable()
    await agent.errors(/must be remounted/, 60_000)
    // It is neither removed from under a pod that still has it nor shown to a second pod.
    await kubelet.fails('nodePublishVolume', publishing(volume, 'pod-b'), 'FailedPrecondition', /pod-a/)
    await writer.stop()
    await kubelet.unpublish(volume, 'pod-a')
    await node.until(
      async () => !(await kubelet.ask('nodePublishVolume', publishing(volume, 'pod-c'))).code,
      {
        deadline: 60_000,
        what: 'a volume for the next pod',
      },
    )
    const again = await Writer.start(node, `${at('pod-c')}/other`)
    await expectNoError(again)
    expect(await node.sh(`cat /sys/fs/ext4/dm-*/errors_count`)).toBe('0')
    await kubelet.release(volume, 'pod-c')
    await nothingLeft(node)
  })

  it('unstage ends after the end of the hold while the target stays away, and nothing is left', async ({
    node,
    target,
    kubelet,
  }) => {
    const { volume, writer } = await used(node, target, kubelet, '2s')
    await target.disable()
    await writer.fails(30_000)
    await told(node, kubelet, /its hold is over/)
    await writer.stop()
    await kubelet.release(volume, 'pod-a')
    await nothingLeft(node)
    await target.enable()
    await kubelet.stage(volume)
    expect(Number((await node.sh(`stat -c %s ${stagingPath('pv')}/file`)).trim())).toBeGreaterThan(0)
    await kubelet.unstage(volume)
    await nothingLeft(node)
  })

  it('a CHAP secret that was changed in an outage reaches a volume whose I/O is held, when it is staged again', async ({
    node,
    agent,
    kubelet,
  }) => {
    const former = { user: 'node-a', password: 'TopSecret-0123456789' }
    const next = { user: 'node-a', password: 'Next-Secret-55555555' }
    const secretsOf = ({ user, password }: typeof next) => ({
      secrets: { 'node.session.auth.username': user, 'node.session.auth.password': password },
    })
    const target = await node.lio.target({ chap: former })
    await target.map(5, { serial: 'c515', bytes: 64 << 20 })
    const volume = { ...claimOf(target, 'pv', { hold: '600s' }), ...secretsOf(former) }
    await kubelet.bring(volume, 'pod-a')
    const writer = await Writer.start(node, `${at('pod-a')}/file`)
    await target.disable()
    await told(node, kubelet, /I\/O is held until/)
    await target.credentials({ chap: next })
    await target.enable()
    await agent.errors(/CHAP/, 60_000)
    await kubelet.stage({ ...volume, ...secretsOf(next) })
    await writer.resumes(60_000)
    await expectNoError(writer)
    await kubelet.release(volume, 'pod-a')
    await nothingLeft(node)
  })

  it('a node that was rebooted attaches nothing until it is asked to stage or unstage', async ({
    node,
    target,
    agent,
    kubelet,
  }) => {
    const { volume, writer } = await used(node, target, kubelet, '60s')
    await writer.stop()
    await agent.kill()
    // What a reboot leaves: the disk's files, and nothing in the kernel.
    await node.sh(`
      umount ${at('pod-a')} ${stagingPath('pv')}
      dmsetup --noudevsync remove_all; iscsiadm -m session -u; rm -rf /run/lunkeeper /run/csi`)
    await agent.start()
    await node.sh('sleep 2')
    expect(await node.storage()).toMatchObject({ sessions: [], disks: [], maps: [], mounts: [] })
    // It may belong to another node by now. Once requested, it is attached again.
    await kubelet.bring(volume, 'pod-a')
    expect(await node.sh(`ls ${at('pod-a')}`)).toContain('file')
    await kubelet.unpublish(volume, 'pod-a')
    await agent.kill()
    await node.sh(`
      umount ${stagingPath('pv')}
      dmsetup --noudevsync remove_all; iscsiadm -m session -u; rm -rf /run/lunkeeper /run/csi`)
    await agent.start()
    await kubelet.release(volume, 'pod-a')
    await nothingLeft(node)
  })
})

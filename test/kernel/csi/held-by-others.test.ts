import { beforeEach, describe, expect } from 'vitest'

import type { LabNode, Target } from '../../../lab/index.ts'
import { patient } from '../../../lab/index.ts'
import type { VolumeStatus } from '../../../src/model/attachment.ts'
import type { NodeFixtures } from '../fixtures.ts'
import { isEverything, kernels, lunkeeper } from '../node.ts'
import { expectNoError, Writer } from '../writer.ts'
import { onShopNode } from './fixtures.ts'
import { targetPath } from './kubelet.ts'
import type { Shop } from './told.ts'
import { condition, messageOf, on, ON_BOTH, POD } from './told.ts'

// A lost connection is noticed after 3 s; multipathd accepts single paths from the first time, and counts in
// seconds.
const QUICK = `sed -i 's/^node.conn\\[0\\].timeo.noop_out_interval.*/node.conn[0].timeo.noop_out_interval = 1/; s/^node.conn\\[0\\].timeo.noop_out_timeout.*/node.conn[0].timeo.noop_out_timeout = 2/' /etc/iscsi/iscsid.conf`
const MULTIPATH = 'defaults {\n find_multipaths greedy\n user_friendly_names no\n polling_interval 1\n}\n'

describe.runIf(isEverything).each(kernels('trixie'))(
  'an outage of a volume that the agent does not hold is reported all the same (%s)',
  (debian) => {
    const onQuickNode = (prepare: (node: LabNode) => Promise<unknown>) =>
      onShopNode({
        debian,
        multipathd: true,
        async prepare(node) {
          await node.sh(QUICK)
          await prepare(node)
        },
      })

    const volume = async (node: LabNode) => (await lunkeeper(node).volumes())[0]!
    /** The total time that the volume reports it will wait. */
    const length = ({ hold: { since, deadline } }: VolumeStatus) =>
      (Date.parse(deadline!) - Date.parse(since!)) / 1000

    /** An outage that ends in time, observed by an agent that is replaced during it. */
    async function waitsAndResumes(
      node: LabNode,
      target: Target,
      shop: Shop,
      mode: 'session' | 'multipathd',
    ): Promise<void> {
      const agent = await shop.agent()
      const { writer, volume: claim } = await shop.used(target, '120s')
      expect((await volume(node)).hold).toMatchObject({ mode, effective: 120, since: null, deadline: null })
      const lost = Date.now()
      await target.disable()
      const waiting = await shop.told('IOWaiting')
      const first = await volume(node)
      expect(first.state).toBe('holding')
      expect(Math.abs(Date.parse(first.hold.since!) - lost)).toBeLessThan(patient(12_000))
      expect(Math.abs(length(first) - 120)).toBeLessThan(3)
      expect(messageOf(waiting, 'IOWaiting')).toContain(`I/O is held until ${first.hold.deadline}`)
      await shop.until('the condition', (seen) =>
        (condition(seen)?.message ?? '').includes(`until ${first.hold.deadline}`),
      )
      const { asked } = await shop.api.seen()
      await agent.kill()
      // The start of the hold is known although no agent is running.
      expect((await volume(node)).hold.since).toBe(first.hold.since)
      await agent.start()
      await shop.nextAgent(asked.length)
      await target.enable()
      const back = await shop.told('IOResumed')
      await writer.resumes(60_000, 5)
      expect(back.events.map(({ reason, count }) => `${reason} ${count}`).toSorted()).toEqual([
        'IOResumed 1',
        'IOResumed 1',
        'IOWaiting 1',
        'IOWaiting 1',
      ])
      expect(await volume(node)).toMatchObject({ state: 'ready', hold: { since: null, deadline: null } })
      await expectNoError(writer)
      await shop.until('the end of the condition', (seen) => condition(seen)?.status === 'False')
      await shop.kubelet.release(claim, POD.uid)
      expect(await node.list('/run/lunkeeper/holds')).toEqual([])
    }

    /** An outage that does not end in time: the pod is told what to do, and the next pod finds the volume healthy. */
    async function failsAndRecovers(
      node: LabNode,
      target: Target,
      shop: Shop,
      mode: 'session' | 'multipathd',
    ): Promise<void> {
      await shop.agent()
      const { writer, volume: claim } = await shop.used(target, '10s')
      expect((await volume(node)).hold).toMatchObject({ mode, effective: 10 })
      await target.disable()
      await shop.told('IOWaiting')
      const failed = await shop.told('IOFailed')
      expect(messageOf(failed, 'IOFailed')).toMatch(/did not return: I\/O fails after 1[0-4] s/)
      expect(await volume(node)).toMatchObject({ state: 'failed', hold: { deadline: null } })
      await shop.breaks(writer)
      await target.enable()
      await shop.told('FileSystemBroken')
      await writer.stop()
      await shop.kubelet.unpublish(claim, POD.uid)
      await shop.until('a volume that is well', (seen) => on(seen, 'VolumeUsableAgain').includes(ON_BOTH[0]!))
      await shop.kubelet.publish(claim, 'pod-b')
      const next = await Writer.start(node, `${targetPath('pv', 'pod-b')}/other`)
      await expectNoError(next)
      await shop.kubelet.release(claim, 'pod-b')
      expect(await node.list('/run/lunkeeper/holds')).toEqual([])
    }

    describe('the session holds a volume where the kernel has no dm-multipath', () => {
      const it = onQuickNode((node) =>
        node.sh(
          `for name in dm-multipath; do echo "install $name /bin/false" >> /etc/modprobe.d/none.conf; done
           modprobe -r dm-service-time dm-multipath`,
        ),
      )

      it('the volume waits, and resumes', ({ node, target, shop }) =>
        waitsAndResumes(node, target, shop, 'session'))
      it('the volume fails when its timer ends', ({ node, target, shop }) =>
        failsAndRecovers(node, target, shop, 'session'))

      it('the I/O of a volume whose session is logged out by hand fails at once, and this is reported', async ({
        node,
        target,
        shop,
      }) => {
        await shop.agent()
        const { writer } = await shop.used(target, '120s')
        await node.sh('iscsiadm -m session -u')
        const failed = await shop.told('IOFailed')
        expect(messageOf(failed, 'IOFailed')).toContain('its disk was removed from the node')
        expect((await volume(node)).state).toBe('failed')
        await writer.stop()
      })
    })

    describe('multipathd holds a volume', () => {
      const it = onQuickNode(async (node) => {
        await node.write('/etc/multipath.conf', MULTIPATH)
        await node.sh('multipathd reconfigure; sleep 1')
      })
      // With a file system on it, the volume is staged in one go. A blank one is detached and attached a second
      // time, and multipathd may by then have marked its WWID as one that it could not map, so that the volume gets
      // a hold map.
      beforeEach<NodeFixtures>(({ node, target }) => node.sh(`mkfs.ext4 -q -F ${target.luns[0]!.file}`))

      it('the volume waits, and resumes', ({ node, target, shop }) =>
        waitsAndResumes(node, target, shop, 'multipathd'))
      it('the volume fails when its count ends', ({ node, target, shop }) =>
        failsAndRecovers(node, target, shop, 'multipathd'))

      it('the hold can be changed in the outage, and given up', async ({ node, target, shop }) => {
        await shop.agent()
        const { writer } = await shop.used(target, '60s')
        await target.disable()
        await shop.told('IOWaiting')
        const { hold } = await volume(node)
        expect(hold.mode).toBe('multipathd')
        const changed = Date.now()
        const set = await lunkeeper(node).run(['hold', (await volume(node)).name, '--set', '300s'])
        expect(set.code, set.stderr).toBe(0)
        await node.until(async () => (await volume(node)).hold.deadline !== hold.deadline, {
          deadline: 20_000,
          what: 'another deadline',
        })
        const later = (await volume(node)).hold
        expect(later.since).toBe(hold.since)
        // The new length counts from the change.
        expect(Math.abs(Date.parse(later.deadline!) - changed - 300_000)).toBeLessThan(patient(15_000))
        expect(writer.errors).toBe(0)
        await lunkeeper(node).run(['hold', (await volume(node)).name, '--give-up'])
        const failed = await shop.told('IOFailed')
        expect(messageOf(failed, 'IOFailed')).toContain('because the hold was given up')
        await writer.fails(30_000)
        await writer.stop()
      })
    })
  },
)

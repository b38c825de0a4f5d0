import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../../lab/index.ts'
import { Lab } from '../../../lab/index.ts'
import type { VolumeStatus } from '../../../src/model/attachment.ts'
import { isEverything, kernels, lunkeeper } from '../node.ts'
import { Writer } from '../writer.ts'
import { startDriver, targetPath } from './kubelet.ts'
import { condition, messageOf, on, ON_BOTH, POD, Shop } from './told.ts'

// A lost connection is noticed after 3 s; multipathd takes single paths from the first time on, and counts in seconds.
const QUICK = `sed -i 's/^node.conn\\[0\\].timeo.noop_out_interval.*/node.conn[0].timeo.noop_out_interval = 1/; s/^node.conn\\[0\\].timeo.noop_out_timeout.*/node.conn[0].timeo.noop_out_timeout = 2/' /etc/iscsi/iscsid.conf`
const MULTIPATH = 'defaults {\n find_multipaths greedy\n user_friendly_names no\n polling_interval 1\n}\n'

describe.runIf(isEverything).each(kernels('trixie'))(
  'an outage of a volume that the agent does not hold is told all the same (%s)',
  (debian) => {
    let lab: Lab
    let node: LabNode
    let target: Target
    let agent: LabProcess
    let shop: Shop

    beforeAll(async () => {
      lab = await Lab.open()
      node = await lab.boot({ debian, memory: 768, multipathd: true })
      await node.sh(QUICK)
    })
    afterAll(() => lab?.close())
    beforeEach(async () => {
      target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
      await target.map(5, { serial: 'c515', bytes: 64 << 20 })
      shop = await Shop.open(node)
    })
    afterEach(() => node.reset())

    const start = () => startDriver(node, shop.api.env, ['--kubernetes'])
    const volume = async () => (await lunkeeper(node).volumes())[0]!
    /** How long it is to wait in all, by its own word. */
    const length = ({ hold: { since, deadline } }: VolumeStatus) =>
      (Date.parse(deadline!) - Date.parse(since!)) / 1000

    /** An outage that ends in time, seen by an agent that is replaced in the middle of it. */
    async function waitsAndGoesOn(mode: 'session' | 'multipathd'): Promise<void> {
      agent = await start()
      const { writer, volume: claim } = await shop.used(target, '120s')
      expect((await volume()).hold).toMatchObject({ mode, effective: 120, since: null, deadline: null })
      const lost = Date.now()
      await target.disable()
      const waiting = await shop.told('IOWaiting')
      const first = await volume()
      expect(first.state).toBe('holding')
      expect(Math.abs(Date.parse(first.hold.since!) - lost)).toBeLessThan(12_000)
      expect(Math.abs(length(first) - 120)).toBeLessThan(3)
      expect(messageOf(waiting, 'IOWaiting')).toContain(`I/O is held until ${first.hold.deadline}`)
      await shop.until('the condition', (seen) =>
        (condition(seen)?.message ?? '').includes(`until ${first.hold.deadline}`),
      )
      const { asked } = await shop.api.seen()
      await agent.kill('SIGKILL')
      await agent.exited
      // Nobody has to run for it to be known since when.
      expect((await volume()).hold.since).toBe(first.hold.since)
      agent = await start()
      await shop.until('the next agent', (seen) =>
        seen.asked.slice(asked.length).some(({ verb, resource }) => `${verb} ${resource}` === 'get events'),
      )
      await target.enable()
      const back = await shop.told('IOResumed')
      await writer.goesOn(60_000, 5)
      expect(back.events.map(({ reason, count }) => `${reason} ${count}`).toSorted()).toEqual([
        'IOResumed 1',
        'IOResumed 1',
        'IOWaiting 1',
        'IOWaiting 1',
      ])
      expect(await volume()).toMatchObject({ state: 'ready', hold: { since: null, deadline: null } })
      await writer.stop()
      expect(writer.errors).toBe(0)
      await shop.until('the end of the condition', (seen) => condition(seen)?.status === 'False')
      await shop.kubelet.unpublish(claim, POD.uid)
      await shop.kubelet.unstage(claim)
      expect(await node.list('/run/lunkeeper/holds')).toEqual([])
    }

    /** One that does not: its pod is told what to do, and the next one finds it well. */
    async function failsAndIsMended(mode: 'session' | 'multipathd'): Promise<void> {
      agent = await start()
      const { writer, volume: claim } = await shop.used(target, '10s')
      expect((await volume()).hold).toMatchObject({ mode, effective: 10 })
      await target.disable()
      await shop.told('IOWaiting')
      const failed = await shop.told('IOFailed')
      expect(messageOf(failed, 'IOFailed')).toMatch(/did not return: I\/O fails after 1[0-4] s/)
      expect(await volume()).toMatchObject({ state: 'failed', hold: { deadline: null } })
      await shop.breaks(writer)
      await target.enable()
      await shop.told('FileSystemBroken')
      await writer.stop()
      await shop.kubelet.unpublish(claim, POD.uid)
      await shop.until('a volume that is well', (seen) => on(seen, 'VolumeUsableAgain').includes(ON_BOTH[0]!))
      await shop.kubelet.publish(claim, 'pod-b')
      const next = await Writer.start(node, `${targetPath('pv', 'pod-b')}/other`)
      await next.stop()
      expect(next.errors).toBe(0)
      await shop.kubelet.unpublish(claim, 'pod-b')
      await shop.kubelet.unstage(claim)
      expect(await node.list('/run/lunkeeper/holds')).toEqual([])
    }

    describe('by its session, where the kernel has no dm-multipath', () => {
      beforeAll(() =>
        node.sh(
          `for name in dm-multipath; do echo "install $name /bin/false" >> /etc/modprobe.d/none.conf; done
           modprobe -r dm-service-time dm-multipath`,
        ),
      )
      afterAll(() => node.sh('rm /etc/modprobe.d/none.conf; modprobe -a dm-multipath dm-service-time'))

      it('waits, and goes on', () => waitsAndGoesOn('session'))
      it('fails when its timer ends', () => failsAndIsMended('session'))

      it('its session is logged out by hand: its I/O fails at once, and it is told', async () => {
        agent = await start()
        const { writer } = await shop.used(target, '120s')
        await node.sh('iscsiadm -m session -u')
        const failed = await shop.told('IOFailed')
        expect(messageOf(failed, 'IOFailed')).toContain('its disk was removed from the node')
        expect((await volume()).state).toBe('failed')
        await writer.stop()
      })
    })

    describe('by multipathd', () => {
      beforeAll(async () => {
        await node.write('/etc/multipath.conf', MULTIPATH)
        await node.sh('multipathd reconfigure; sleep 1')
      })
      // With a file system on it, it is staged in one go. A blank one is taken off and attached a second time, and
      // multipathd may by then have marked its WWID as one that it could not map, so that it gets a hold map.
      beforeEach(() => node.sh(`mkfs.ext4 -q -F ${target.luns[0]!.file}`))

      it('waits, and goes on', () => waitsAndGoesOn('multipathd'))
      it('fails when its count ends', () => failsAndIsMended('multipathd'))

      it('its hold is changed in the outage, and given up', async () => {
        agent = await start()
        const { writer } = await shop.used(target, '60s')
        await target.disable()
        await shop.told('IOWaiting')
        const { hold } = await volume()
        expect(hold.mode).toBe('multipathd')
        const changed = Date.now()
        const set = await lunkeeper(node).run(['hold', (await volume()).name, '--set', '300s'])
        expect(set.code, set.stderr).toBe(0)
        await node.until(async () => (await volume()).hold.deadline !== hold.deadline, {
          deadline: 20_000,
          what: 'another deadline',
        })
        const later = (await volume()).hold
        expect(later.since).toBe(hold.since)
        // What is left is counted anew.
        expect(Math.abs(Date.parse(later.deadline!) - changed - 300_000)).toBeLessThan(15_000)
        expect(writer.errors).toBe(0)
        await lunkeeper(node).run(['hold', (await volume()).name, '--give-up'])
        const failed = await shop.told('IOFailed')
        expect(messageOf(failed, 'IOFailed')).toContain('because the hold was given up')
        await writer.fails(30_000)
        await writer.stop()
      })
    })
  },
)

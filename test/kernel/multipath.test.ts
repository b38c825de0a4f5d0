import { beforeEach, describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import { Appender } from './appender.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, isBrief, isEverything, lunkeeper } from './node.ts'
import { SEEN_MS } from './volume.ts'

const ONE = '10.8.0.1'
const TWO = '10.8.0.2'
const SERIAL = '5ab1e1'
const WWID = `36001405${SERIAL}`.padEnd(33, '0')

// A lost connection is noticed after 3 s instead of 10, because these tests wait for that often.
const QUICK = `sed -i 's/^node.conn\\[0\\].timeo.noop_out_interval.*/node.conn[0].timeo.noop_out_interval = 1/; s/^node.conn\\[0\\].timeo.noop_out_timeout.*/node.conn[0].timeo.noop_out_timeout = 2/' /etc/iscsi/iscsid.conf`

describe.each(['bookworm', 'trixie'] as const)(
  'multipathd holds a volume over two portals (%s)',
  (debian) => {
    const it = onNode({
      debian,
      multipathd: true,
      prepare: (node) => node.sh(QUICK),
      target: { portals: [`${ONE}:3260`, `${TWO}:3260`] },
      // Its flushes go to the target, and wait with all other I/O if there is no path.
      luns: [{ lun: 5, serial: SERIAL, writeCache: true }],
      volume: { portals: [ONE, TWO], mount: '/mnt/v' },
    })
    // Undoes what an earlier test has learned, configured and removed.
    beforeEach<NodeFixtures>(async ({ node }) => {
      await node.sh(
        'rm -rf /etc/multipath.conf /etc/multipath/wwids /etc/multipath/conf.d; multipathd reconfigure',
      )
      for (const address of [ONE, TWO]) await node.sh(`ip addr replace ${address}/32 dev lo`)
    })

    // Removing an address cuts its connections without either side being notified.
    const kill = (node: LabNode, address: string) => node.sh(`ip addr del ${address}/32 dev lo`)
    const revive = (node: LabNode, address: string) => node.sh(`ip addr replace ${address}/32 dev lo`)

    const known = (node: LabNode) => node.sh(`grep -s '^/' /etc/multipath/wwids || true`)

    /** Path states of the map in the kernel: A or F. */
    async function paths(node: LabNode): Promise<string> {
      const status = await node.sh(`dmsetup status --target multipath ${WWID}`)
      return [...status.matchAll(/\d+:\d+ ([AF]) /g)].map((path) => path[1]!).join('')
    }

    async function nothingLeft(node: LabNode): Promise<void> {
      await expectNothingLeft(node)
      expect(await known(node)).toBe('')
      expect(await node.sh('ls -A /etc/multipath/conf.d 2>/dev/null || true')).toBe('')
    }

    it('attach waits for one map over both portals, shows its real hold, and detach takes back all of it', async ({
      node,
      volume,
    }) => {
      const attached = await volume.mounted()
      expect(attached).toMatchObject({
        state: 'ready',
        device: `/dev/mapper/${WWID}`,
        mount: '/mnt/v',
        // 5 s in the session (multipathd's fast_io_fail_tmo), and 119 checks of 5 s, instead of its built-in 12
        hold: { mode: 'multipathd', wanted: 600, effective: 600 },
        paths: [
          { portal: `${ONE}:3260`, recoveryTmo: 5 },
          { portal: `${TWO}:3260`, recoveryTmo: 5 },
        ],
      })
      expect(await paths(node)).toBe('AA')
      // Once more: nothing changes, and in particular not the timers by which it fails over.
      expect(await volume.again()).toEqual(attached)
      const report = await volume.detach()
      expect(report.removed).toMatchObject({ mounts: ['/mnt/v'], maps: [WWID] })
      expect(report.removed.disks).toHaveLength(2)
      expect(report.removed.sessions).toHaveLength(2)
      await nothingLeft(node)
    })

    if (isBrief(debian)) return

    it('a writer continues when a path dies, and both paths are used again when it is back', async ({
      node,
      volume,
    }) => {
      await volume.mounted()
      const writing = await Appender.start(node, '/mnt/v/log')
      for (const address of [ONE, TWO]) {
        await kill(node, address)
        await node.until(async () => /F/.test(await paths(node)), { deadline: 30_000, what: 'a failed path' })
        await writing.more(20)
        await revive(node, address)
        await node.until(async () => (await paths(node)) === 'AA', { deadline: 60_000, what: 'both paths' })
      }
      await writing.more(20)
      expect(writing.hasFailed).toBe(false)
      await writing.stop()
      await volume.detach()
      await nothingLeft(node)
    })

    it('a portal that refuses or is silent costs a warning and at most its grace, and joins when it is back', async ({
      node,
      target,
      volume,
    }) => {
      const timed = async (...args: string[]) => {
        const ended = await lunkeeper(node).run(['attach', ...args])
        expect(ended.code, ended.stderr).toBe(0)
        return ended
      }
      const with2 = (portal: string) => volume.with({ portals: [ONE, portal] }).flags
      // The first disk of a boot loads modules, so it does not count.
      for (const _ of [1, 2]) {
        await timed(...volume.flags)
        await volume.detach()
      }
      const both = await timed(...volume.flags)
      await volume.detach()
      const refusing = await timed(...with2(`${TWO}:3261`))
      expect(refusing.stderr).toMatch(/10\.8\.0\.2:3261 is not used: .*refuses/)
      expect(await paths(node)).toBe('A')
      await volume.detach()
      await node.sh(
        'modprobe dummy numdummies=1; ip link set dummy0 up; ip route replace 10.7.0.0/24 dev dummy0',
      )
      const silent = await timed(...with2('10.7.0.9'))
      // Within the grace period after the other path, or within the time for one portal, whichever ends first.
      expect(silent.stderr).toMatch(/10\.7\.0\.9:3260 (?:is not used: .*)?did not answer (?:in time|within)/)
      await volume.detach()
      expect(refusing.ms).toBeLessThan(both.ms * 1.5 + 500)
      expect(silent.ms).toBeLessThan(both.ms * 1.5 + 500 + 1500)
      await nothingLeft(node)

      await target.removePortal(`${TWO}:3260`)
      expect((await volume.attach()).paths[1]).toMatchObject({ session: null })
      await target.addPortal(`${TWO}:3260`)
      await volume.attach()
      expect(await paths(node)).toBe('AA')
      await volume.detach()
      await nothingLeft(node)
    })

    it('the agent restores the timer of a session that multipathd lowered although another volume needs it', async ({
      node,
      target,
      agent,
      volume,
    }) => {
      await target.map(6, { serial: '5ab1e2' })
      const plain = volume.with({ name: 'plain', lun: 6, portals: [ONE] })
      await plain.attach('--hold-mode', 'session')
      await volume.attach('--hold-mode', 'multipathd')
      await agent.errors(/plain: session \d+: recovery timer was lowered to 5 s/, 40_000)
      const timers = async () =>
        (await lunkeeper(node).volumes()).map(({ hold }) => [hold.mode, hold.wanted, hold.effective])
      // multipathd may lower it once more, for its second path.
      await node.until(async () => (await timers())[1]?.[2] === 600, {
        deadline: SEEN_MS,
        what: 'the restored timer',
      })
      // I/O that fails over later because of this still does not wait longer in total.
      expect(await timers()).toEqual([
        ['multipathd', 600, expect.any(Number)],
        ['session', 600, 600],
      ])
      for (const one of [plain, volume]) await one.detach()
      await agent.stop()
      await nothingLeft(node)
    })

    it('attach fails in bounded time when both portals are dead, and nothing is left', async ({
      node,
      target,
      volume,
    }) => {
      await target.disable()
      for (const address of [ONE, TWO]) await target.removePortal(`${address}:3260`)
      const ended = await volume.refused('PORTAL_REFUSED')
      expect(ended.ms).toBeLessThan(patient(10_000))
      await nothingLeft(node)
    })

    it('a hold can be changed and given up when both portals die under a writer, and detach needs --force', async ({
      node,
      volume,
    }) => {
      const { hold } = await volume.mounted('--hold', '60s')
      expect(hold.effective).toBe(60)
      const writing = await Appender.start(node, '/mnt/v/log')
      for (const address of [ONE, TWO]) await kill(node, address)
      await node.until(async () => (await paths(node)) === 'FF', { deadline: 30_000, what: 'no path' })
      const over = node.sh('sleep 65', { deadline: 120_000 })
      const longer = await lunkeeper(node).run(['hold', 'db', '--set', '300s'])
      expect(longer.code, longer.stderr).toBe(0)
      const refused = await lunkeeper(node).fails(['detach', 'db'], 'TARGET_AWAY')
      expect(refused.ms).toBeLessThan(patient(15_000))
      await over
      // After the refusal it is as before; a hold of 60 s would be over.
      expect(await volume.status()).toMatchObject({ mount: '/mnt/v', state: 'holding' })
      expect(writing.hasFailed).toBe(false)
      const ended = await lunkeeper(node).run(['hold', 'db', '--give-up'])
      expect(ended.code, ended.stderr).toBe(0)
      await node.until(async () => writing.hasFailed, { deadline: 5_000, what: 'the error' })
      await writing.stop()
      const forced = await lunkeeper(node).run(['detach', 'db', '--force', '--verbose'], {}, 60_000)
      expect(forced.code, forced.stderr).toBe(0)
      await nothingLeft(node)
    })

    it.runIf(isEverything)(
      'detach needs no --force when both portals are dead and nothing uses the volume',
      async ({ node, volume }) => {
        await volume.attach()
        for (const address of [ONE, TWO]) await kill(node, address)
        await node.until(async () => (await paths(node)) === 'FF', { deadline: 30_000, what: 'no path' })
        const ended = await lunkeeper(node).run(['detach', 'db'], {}, 60_000)
        expect(ended.code, ended.stderr).toBe(0)
        await nothingLeft(node)
      },
    )

    it('attach brings back a disk that was deleted by hand, and detach finds the map without any', async ({
      node,
      volume,
    }) => {
      const attached = await volume.mounted()
      const remove = (disk: string) => node.sh(`echo 1 > /sys/block/${disk}/device/delete`)
      await remove(attached.paths[1]!.disk!)
      await volume.again()
      expect(await paths(node)).toBe('AA')
      for (const { disk } of (await volume.status()).paths) await remove(disk!)
      expect(await volume.status()).toMatchObject({ state: 'holding', device: `/dev/mapper/${WWID}` })
      const ended = await lunkeeper(node).run(['detach', 'db', '--force', '--verbose'], {}, 60_000)
      expect(ended.code, ended.stderr).toBe(0)
      await nothingLeft(node)
    })

    it('one portal gets a map, too, where multipathd is greedy with friendly names, and its WWID is forgotten again', async ({
      node,
      volume,
    }) => {
      await node.write(
        '/etc/multipath.conf',
        'defaults {\n find_multipaths greedy\n user_friendly_names yes\n}\n',
      )
      await node.sh('multipathd reconfigure; sleep 1')
      expect(await volume.with({ portals: [ONE] }).mounted()).toMatchObject({
        device: '/dev/mapper/mpatha',
        hold: { mode: 'multipathd' },
        mount: '/mnt/v',
      })
      await volume.detach()
      await nothingLeft(node)
    })

    it.for(isEverything ? ['before', 'after'] : ['after'])(
      'attach and detach continue after a kill %s multipathd is told how long to hold',
      async (moment, { node, volume }) => {
        const dies = async (...args: string[]) => {
          const ended = await lunkeeper(node).run(args, { LUNKEEPER_DIE_AT: `tell-multipathd:${moment}` })
          expect(ended, ended.stderr).toMatchObject({ signal: 'SIGKILL' })
        }
        await dies('attach', ...volume.flags, '--hold', '60s')
        expect((await volume.attach('--hold', '60s')).hold.effective).toBe(60)
        await dies('detach', 'db')
        await volume.detach()
        await nothingLeft(node)
      },
    )

    it('a partition table on the volume prevents neither attach nor detach', async ({ node, volume }) => {
      await volume.attach()
      // One partition of type 83 from sector 2048; kpartx maps it when the map appears.
      await node.sh(
        `printf '\\0\\0\\0\\0\\203\\0\\0\\0\\0\\010\\0\\0\\0\\100\\0\\0' | dd of=/dev/mapper/${WWID} bs=1 seek=446 conv=notrunc status=none
       printf '\\125\\252' | dd of=/dev/mapper/${WWID} bs=1 seek=510 conv=notrunc status=none; sync`,
      )
      await volume.detach()
      await volume.attach()
      await node.until(async () => (await node.storage()).maps.length === 2, {
        what: 'the partition',
        deadline: 20_000,
      })
      await volume.attach()
      await volume.detach()
      await nothingLeft(node)
    })

    it('a map of another program is used, and the WWID that it registered stays registered', async ({
      node,
      target,
      volume,
    }) => {
      await node.sh(
        `for a in ${ONE} ${TWO}; do iscsiadm -m node -o new -T ${target.iqn} -p $a; iscsiadm -m node -T ${target.iqn} -p $a -l; done
       until [ -b /dev/sda ] && [ -b /dev/sdb ]; do sleep 0.1; done; udevadm settle; multipath -a /dev/sda; multipathd add path sda; multipathd add path sdb`,
      )
      await node.until(async () => (await paths(node).catch(() => '')) === 'AA', { what: 'the map' })
      expect(await volume.attach()).toMatchObject({ device: `/dev/mapper/${WWID}` })
      const { removed } = await volume.detach()
      expect(removed).toMatchObject({ maps: [WWID], sessions: [] })
      expect(await known(node)).toBe(`/${WWID}/`)
      // Without a map or a session, it is up to the other user to forget its WWID.
      await node.sh('iscsiadm -m session -u')
      await volume.attach()
      await volume.detach()
      expect(await known(node)).toBe(`/${WWID}/`)
    })
  },
)

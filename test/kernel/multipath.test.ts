import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { agentOn, expectNothingLeft, isBrief, isEverything, lunkeeper } from './node.ts'

const MIB = 1 << 20
const ONE = '10.8.0.1'
const TWO = '10.8.0.2'
const SERIAL = '5ab1e1'
const WWID = `36001405${SERIAL}`.padEnd(33, '0')

// A lost connection is noticed after 3 s instead of 10: these tests wait for it often.
const QUICK = `sed -i 's/^node.conn\\[0\\].timeo.noop_out_interval.*/node.conn[0].timeo.noop_out_interval = 1/; s/^node.conn\\[0\\].timeo.noop_out_timeout.*/node.conn[0].timeo.noop_out_timeout = 2/' /etc/iscsi/iscsid.conf`

describe.each(['bookworm', 'trixie'] as const)('multipath over two portals (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let flags: string[]

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, multipathd: true })
    await node.sh(QUICK)
  })
  afterAll(() => lab?.close())
  afterEach(async () => {
    await node.reset()
    await node.sh(
      'rm -rf /etc/multipath.conf /etc/multipath/wwids /etc/multipath/conf.d; multipathd reconfigure',
    )
  })

  async function make(): Promise<void> {
    for (const address of [ONE, TWO]) await node.sh(`ip addr replace ${address}/32 dev lo`)
    target = await node.lio.target({ portals: [`${ONE}:3260`, `${TWO}:3260`] })
    // Its flushes go to the target, and wait with everything else where no path is.
    await target.map(5, { serial: SERIAL, bytes: 64 * MIB, writeCache: true })
    flags = ['--portal', ONE, '--portal', TWO, '--iqn', target.iqn, '--lun', '5', '--name', 'db']
  }

  // An address that goes takes its connections with it, without a word to either side.
  const kill = (address: string) => node.sh(`ip addr del ${address}/32 dev lo`)
  const revive = (address: string) => node.sh(`ip addr replace ${address}/32 dev lo`)

  const known = () => node.sh(`grep -s '^/' /etc/multipath/wwids || true`)

  /** Path states of the map as the kernel has them: A or F. */
  async function paths(): Promise<string> {
    const status = await node.sh(`dmsetup status --target multipath ${WWID}`)
    return [...status.matchAll(/\d+:\d+ ([AF]) /g)].map((path) => path[1]!).join('')
  }

  async function nothingLeft(): Promise<void> {
    await expectNothingLeft(node)
    expect(await known()).toBe('')
    expect(await node.sh('ls -A /etc/multipath/conf.d 2>/dev/null || true')).toBe('')
  }

  async function writer(point: string) {
    const process = await node.start(['bash', '-c', WRITER, 'writer', `${point}/log`])
    await process.output(/written/, 30_000)
    return {
      /** It has written, and synced, this many times more. */
      more: (count: number, deadline = 60_000) =>
        process.output(
          new RegExp(`(?:written\\n){${process.stdout.split('written').length - 1 + count}}`),
          deadline,
        ),
      failed: () => process.stdout.includes('failed'),
      stop: () => process.kill('SIGTERM'),
    }
  }

  it('one map over both, waited for, and its hold told as it is; all of it is taken back', async () => {
    await make()
    const keeper = lunkeeper(node)
    const volume = await keeper.attach([...flags, '--mount', '/mnt/v', '--format'])
    expect(volume).toMatchObject({
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
    expect(await paths()).toBe('AA')
    // Once more: nothing changes, and above all not the timers by which it fails over.
    expect(await keeper.attach([...flags, '--mount', '/mnt/v'])).toEqual(volume)
    const report = await keeper.detach('db')
    expect(report.removed).toMatchObject({ mounts: ['/mnt/v'], maps: [WWID] })
    expect(report.removed.disks).toHaveLength(2)
    expect(report.removed.sessions).toHaveLength(2)
    await nothingLeft()
  })

  if (isBrief(debian)) return

  it('a path dies under a writer: it goes on; the path comes back: both are used again', async () => {
    await make()
    const keeper = lunkeeper(node)
    await keeper.attach([...flags, '--mount', '/mnt/v', '--format'])
    const writing = await writer('/mnt/v')
    for (const address of [ONE, TWO]) {
      await kill(address)
      await node.until(async () => /F/.test(await paths()), { deadline: 30_000, what: 'a failed path' })
      await writing.more(20)
      await revive(address)
      await node.until(async () => (await paths()) === 'AA', { deadline: 60_000, what: 'both paths' })
    }
    await writing.more(20)
    expect(writing.failed()).toBe(false)
    await writing.stop()
    await keeper.detach('db')
    await nothingLeft()
  })

  it('a portal that refuses or is silent costs a warning and at most its grace; it joins when it is back', async () => {
    await make()
    const keeper = lunkeeper(node)
    const timed = async (...args: string[]) => {
      const ended = await keeper.run(['attach', ...args])
      expect(ended.code, ended.stderr).toBe(0)
      return ended
    }
    const with2 = (portal: string) => flags.with(3, portal)
    // The first disk of a boot loads modules: not counted.
    for (const _ of [1, 2]) {
      await timed(...flags)
      await keeper.detach('db')
    }
    const both = await timed(...flags)
    await keeper.detach('db')
    const refusing = await timed(...with2(`${TWO}:3261`))
    expect(refusing.stderr).toMatch(/10\.8\.0\.2:3261 is not used: .*refuses/)
    expect(await paths()).toBe('A')
    await keeper.detach('db')
    await node.sh(
      'modprobe dummy numdummies=1; ip link set dummy0 up; ip route replace 10.7.0.0/24 dev dummy0',
    )
    const silent = await timed(...with2('10.7.0.9'))
    expect(silent.stderr).toMatch(/10\.7\.0\.9:3260 did not answer in time; continuing without it/)
    await keeper.detach('db')
    expect(refusing.ms).toBeLessThan(both.ms * 1.5 + 500)
    expect(silent.ms).toBeLessThan(both.ms * 1.5 + 500 + 1500)
    await nothingLeft()

    await target.removePortal(`${TWO}:3260`)
    expect((await keeper.attach(flags)).paths[1]).toMatchObject({ session: null })
    await target.addPortal(`${TWO}:3260`)
    await keeper.attach(flags)
    expect(await paths()).toBe('AA')
    await keeper.detach('db')
    await nothingLeft()
  })

  it('multipathd lowers the timer of a session that another volume needs: the agent makes it long again', async () => {
    await make()
    await target.map(6, { serial: '5ab1e2', bytes: 64 * MIB })
    const keeper = lunkeeper(node)
    const agent = await agentOn(node)
    await keeper.attach(['--portal', ONE, ...flags.slice(4, -3), '6', '--name=plain', '--hold-mode=session'])
    await keeper.attach([...flags, '--hold-mode', 'multipathd'])
    await agent.errors(/plain: session \d+ waited 5 s only/, 40_000)
    const timers = (await keeper.volumes()).map(({ hold }) => [hold.mode, hold.wanted, hold.effective])
    // What fails over later for it still waits no longer in all.
    expect(timers).toEqual([
      ['multipathd', 600, expect.any(Number)],
      ['session', 600, 600],
    ])
    for (const name of ['plain', 'db']) await keeper.detach(name)
    await agent.kill('SIGTERM')
    await agent.exited
    await nothingLeft()
  })

  it('both portals dead at attach: an error in bounded time, and nothing is left', async () => {
    await make()
    await target.disable()
    for (const address of [ONE, TWO]) await target.removePortal(`${address}:3260`)
    const ended = await lunkeeper(node).fails(['attach', ...flags], 'PORTAL_REFUSED')
    expect(ended.ms).toBeLessThan(10_000)
    await nothingLeft()
  })

  it('both die under a writer: its hold can be changed and given up; detach refuses, --force ends it', async () => {
    await make()
    const keeper = lunkeeper(node)
    const { hold } = await keeper.attach([...flags, '--mount', '/mnt/v', '--format', '--hold', '15s'])
    expect(hold.effective).toBe(15)
    const writing = await writer('/mnt/v')
    for (const address of [ONE, TWO]) await kill(address)
    await node.until(async () => (await paths()) === 'FF', { deadline: 30_000, what: 'no path' })
    const longer = await keeper.run(['hold', 'db', '--set', '300s'])
    expect(longer.code, longer.stderr).toBe(0)
    const refused = await keeper.fails(['detach', 'db'], 'TARGET_AWAY')
    expect(refused.ms).toBeLessThan(15_000)
    await node.sh('sleep 12')
    // Refused, it is as it was; and the hold of 15 s would be over.
    const [volume] = await keeper.volumes()
    expect(volume).toMatchObject({ mount: '/mnt/v', state: 'holding' })
    expect(writing.failed()).toBe(false)
    const ended = await keeper.run(['hold', 'db', '--give-up'])
    expect(ended.code, ended.stderr).toBe(0)
    await node.until(async () => writing.failed(), { deadline: 5_000, what: 'the error' })
    await writing.stop()
    const forced = await keeper.run(['detach', 'db', '--force', '--verbose'], {}, 60_000)
    expect(forced.code, forced.stderr).toBe(0)
    await nothingLeft()
  })

  it.runIf(isEverything)('both dead, and nobody uses it: detach needs no force', async () => {
    await make()
    const keeper = lunkeeper(node)
    await keeper.attach(flags)
    for (const address of [ONE, TWO]) await kill(address)
    await node.until(async () => (await paths()) === 'FF', { deadline: 30_000, what: 'no path' })
    const ended = await keeper.run(['detach', 'db'], {}, 60_000)
    expect(ended.code, ended.stderr).toBe(0)
    await nothingLeft()
  })

  it('disks deleted by hand: one comes back with attach; without any, detach still finds the map', async () => {
    await make()
    const keeper = lunkeeper(node)
    const volume = await keeper.attach([...flags, '--mount', '/mnt/v', '--format'])
    const remove = (disk: string) => node.sh(`echo 1 > /sys/block/${disk}/device/delete`)
    await remove(volume.paths[1]!.disk!)
    await keeper.attach([...flags, '--mount', '/mnt/v'])
    expect(await paths()).toBe('AA')
    for (const { disk } of (await keeper.volumes())[0]!.paths) await remove(disk!)
    expect((await keeper.volumes())[0]).toMatchObject({ state: 'holding', device: `/dev/mapper/${WWID}` })
    const ended = await keeper.run(['detach', 'db', '--force', '--verbose'], {}, 60_000)
    expect(ended.code, ended.stderr).toBe(0)
    await nothingLeft()
  })

  it('greedy, with friendly names: one portal gets a map too, and its WWID is forgotten again', async () => {
    await make()
    await node.write(
      '/etc/multipath.conf',
      'defaults {\n find_multipaths greedy\n user_friendly_names yes\n}\n',
    )
    await node.sh('multipathd reconfigure; sleep 1')
    const keeper = lunkeeper(node)
    const volume = await keeper.attach(['--portal', ONE, ...flags.slice(4), '--mount', '/mnt/v', '--format'])
    expect(volume).toMatchObject({
      device: '/dev/mapper/mpatha',
      hold: { mode: 'multipathd' },
      mount: '/mnt/v',
    })
    await keeper.detach('db')
    await nothingLeft()
  })

  it.each(isEverything ? ['before', 'after'] : ['after'])(
    'killed %s multipathd is told how long to hold: both commands go on from there',
    async (moment) => {
      await make()
      const keeper = lunkeeper(node)
      const dies = async (...args: string[]) => {
        const ended = await keeper.run(args, { LUNKEEPER_DIE_AT: `tell-multipathd:${moment}` })
        expect(ended, ended.stderr).toMatchObject({ signal: 'SIGKILL' })
      }
      await dies('attach', ...flags, '--hold', '60s')
      expect((await keeper.attach([...flags, '--hold', '60s'])).hold.effective).toBe(60)
      await dies('detach', 'db')
      await keeper.detach('db')
      await nothingLeft()
    },
  )

  it('a partition table on it hinders neither attach nor detach', async () => {
    await make()
    const keeper = lunkeeper(node)
    await keeper.attach(flags)
    // One partition of type 83 from sector 2048; kpartx maps it when the map comes up.
    await node.sh(
      `printf '\\0\\0\\0\\0\\203\\0\\0\\0\\0\\010\\0\\0\\0\\100\\0\\0' | dd of=/dev/mapper/${WWID} bs=1 seek=446 conv=notrunc status=none
       printf '\\125\\252' | dd of=/dev/mapper/${WWID} bs=1 seek=510 conv=notrunc status=none; sync`,
    )
    await keeper.detach('db')
    await keeper.attach(flags)
    await node.until(async () => (await node.storage()).maps.length === 2, {
      what: 'the partition',
      deadline: 20_000,
    })
    await keeper.attach(flags)
    await keeper.detach('db')
    await nothingLeft()
  })

  it('a map that was there before is used, and what its maker made known stays known', async () => {
    await make()
    await node.sh(
      `for a in ${ONE} ${TWO}; do iscsiadm -m node -o new -T ${target.iqn} -p $a; iscsiadm -m node -T ${target.iqn} -p $a -l; done
       until [ -b /dev/sda ] && [ -b /dev/sdb ]; do sleep 0.1; done; udevadm settle; multipath -a /dev/sda; multipathd add path sda; multipathd add path sdb`,
    )
    await node.until(async () => (await paths().catch(() => '')) === 'AA', { what: 'the map' })
    const keeper = lunkeeper(node)
    expect(await keeper.attach(flags)).toMatchObject({ device: `/dev/mapper/${WWID}` })
    const { removed } = await keeper.detach('db')
    expect(removed).toMatchObject({ maps: [WWID], sessions: [] })
    expect(await known()).toBe(`/${WWID}/`)
    // Without a map or a session either, its WWID is the other's to forget.
    await node.sh('iscsiadm -m session -u')
    await keeper.attach(flags)
    await keeper.detach('db')
    expect(await known()).toBe(`/${WWID}/`)
  })
})

/** Appends and syncs, and says so, until it is told to stop. */
const WRITER = `
trap 'exit 0' TERM
while :; do
  echo line >> "$1" && sync "$1" && echo written || echo failed
done`

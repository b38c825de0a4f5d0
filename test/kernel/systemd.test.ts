import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import type { BootOptions, Debian, Lab, LabNode, Target } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import { openLab } from './fixtures.ts'
import { isEverything, kernels, lunkeeper } from './node.ts'
import { Writer } from './writer.ts'

const STORE = '10.9.0.2'
const POINTS = ['/mnt/one', '/mnt/two']

async function boot(lab: Lab, debian: Debian, more: BootOptions = {}): Promise<LabNode> {
  const node = await lab.boot({ debian, memory: 640, systemd: true, address: '10.9.0.1', ...more })
  await node.sh('systemctl is-system-running --wait || :')
  return node
}

async function volumes(store: LabNode): Promise<Target> {
  const target = await store.lio.target({ portals: [`${STORE}:3260`] })
  await target.mapMany(POINTS.map((_, index) => ({ lun: index, serial: `aaaa${index}`, writeCache: true })))
  return target
}

interface Setup {
  /** Whether all tests of the block share the node and its volumes, each test has its own, or makes its own. */
  readonly node: 'block' | 'test' | 'none'
  readonly prepare?: (node: LabNode, target: Target) => Promise<void>
}

/** A storage machine, which lives on when the node is switched off, and a node with systemd and two volumes. */
function onSystemd(debian: Debian, { node: whose, prepare }: Setup) {
  let lab: Lab
  let store: LabNode
  let node: LabNode
  let target: Target
  const start = async () => {
    node = await boot(lab, debian)
    target = await volumes(store)
    await prepare?.(node, target)
  }
  openLab(async (opened) => {
    lab = opened
    store = await lab.boot({ name: 'store', debian, address: STORE })
    if (whose === 'block') await start()
  })
  if (whose === 'test') {
    beforeEach(start)
    afterEach(async () => {
      if (!node.isOff) await node.kill()
      await store.lio.clear()
    })
  }
  return test
    .extend('lab', () => lab)
    .extend('store', () => store)
    .extend('node', () => node)
    .extend('target', () => target)
}

/** As README.md tells an administrator to do it. */
const install = (node: LabNode) =>
  node.sh(
    'cp /lab/project/deploy/*.service /etc/systemd/system/ && systemctl enable --now lunkeeper lunkeeper-shutdown',
  )

/** An override of some lines of a unit, as `systemctl edit` makes it. */
async function edit(node: LabNode, unit: string, ...lines: string[]): Promise<void> {
  await node.mkdir(`/etc/systemd/system/${unit}.d`)
  await node.write(`/etc/systemd/system/${unit}.d/override.conf`, `[Service]\n${lines.join('\n')}\n`)
  await node.sh('systemctl daemon-reload')
}

const grace = (node: LabNode, time: string) =>
  edit(
    node,
    'lunkeeper-shutdown.service',
    'ExecStop=',
    `ExecStop=/usr/local/sbin/lunkeeper hold --all --give-up --grace ${time} --shutdown`,
  )

const attach = (node: LabNode, { iqn }: Target, point: string, ...more: string[]) =>
  lunkeeper(node).attach([
    ...`--portal ${STORE} --iqn ${iqn} --lun ${POINTS.indexOf(point)} --name ${point.slice('/mnt/'.length)}`.split(
      ' ',
    ),
    ...`--hold forever --mount ${point}`.split(' '),
    ...more,
  ])

async function attachAll(node: LabNode, target: Target): Promise<void> {
  for (const point of POINTS) await attach(node, target, point, '--format')
}

const pid = async (node: LabNode) => Number(await node.sh('systemctl show lunkeeper -p MainPID --value'))
const isActive = (node: LabNode, unit: string) => node.sh(`systemctl is-active ${unit} || :`)

/** So many volumes wait. */
const lost = (node: LabNode, volumes = POINTS.length) =>
  node.until(async () => (await node.list('/run/lunkeeper/holds').catch(() => [])).length === volumes)

/** Which session, map and mounts there are; what restarts must not change. */
async function standing(node: LabNode): Promise<unknown> {
  const { sessions, maps, mounts } = await node.storage()
  return { sessions, maps, mounts: mounts.toSorted() }
}

/** @returns milliseconds until the machine was off */
async function powerOff(node: LabNode, bound: number): Promise<number> {
  const asked = performance.now()
  // The machine may be off before it answers.
  node.run(['systemctl', 'poweroff']).catch(() => undefined)
  await Promise.race([node.off, sleep(bound)])
  expect(node.isOff, node.console.slice(-8_000)).toBe(true)
  return performance.now() - asked
}

/** What another machine finds in the volumes afterwards. */
async function leftOn(lab: Lab, debian: Debian, target: Target, files: string[]): Promise<string[]> {
  const node = await lab.boot({ name: 'after', debian, address: '10.9.0.3' })
  for (const point of POINTS) await attach(node, target, point)
  const found = await Promise.all(files.map((file) => node.read(file).catch(() => 'not there')))
  await node.kill()
  return found
}

/** A program that is stuck in the kernel, in the service's control group, as a worker of the agent can be. */
const stick = (node: LabNode, file: string) =>
  node.sh(
    `sh -c 'echo $$ > /sys/fs/cgroup/system.slice/lunkeeper.service/cgroup.procs; exec dd if=/dev/zero of=${file} bs=4k count=1 oflag=sync' >/dev/null 2>&1 &
     sleep 1; ps -eo stat,args | grep -q '^D.*[o]flag=sync'`,
  )

describe.each(kernels('bookworm'))('the service works under a real systemd (%s)', (debian) => {
  const it = onSystemd(debian, { node: 'block' })

  it('the service is up when it holds volumes, restarts touch none of them, and a shutdown in an outage ends', async ({
    node,
    target,
  }) => {
    await install(node)
    expect(await node.sh('journalctl -u lunkeeper -o cat')).toMatch(/^ready: 0 volumes/m)
    // Its socket is there, it is not: nothing is wrong with that, and the attach starts it.
    expect(await isActive(node, 'iscsid.service')).toBe('inactive')
    expect((await lunkeeper(node).run(['doctor'])).stdout).not.toContain('ISCSID_DOWN')
    await attach(node, target, '/mnt/one', '--format')
    expect(await isActive(node, 'iscsid.service')).toBe('active')

    const writer = await Writer.start(node, '/mnt/one/blocks')
    const before = await standing(node)
    await node.sh('systemctl restart lunkeeper')
    expect(await node.sh('journalctl -u lunkeeper -o cat')).toMatch(/^ready: 1 volume/m)
    const restarted = await pid(node)
    await node.sh('systemctl reload lunkeeper')
    await node.until(
      async () => (await node.sh('journalctl -u lunkeeper -o cat')).match(/^ready: 1/gm)?.length === 2,
    )
    expect(await pid(node)).toBe(restarted)
    expect(await standing(node)).toEqual(before)
    await writer.goesOn(10_000)
    expect(writer.errors).toBe(0)

    await grace(node, '1s')
    await target.disable()
    await lost(node, 1)
    expect(await powerOff(node, 60_000)).toBeLessThan(patient(15_000))
  })
})

describe.skipIf(!isEverything).each(kernels('bookworm'))('the agent runs as a service (%s)', (debian) => {
  let writer: Writer
  const it = onSystemd(debian, {
    node: 'block',
    async prepare(node, target) {
      await install(node)
      await attachAll(node, target)
      writer = await Writer.start(node, '/mnt/one/blocks')
    },
  })

  async function goesOn(node: LabNode, target: Target): Promise<void> {
    await target.enable()
    await writer.goesOn(30_000)
    expect(writer.errors).toBe(0)
    await node.until(async () => (await node.list('/run/lunkeeper/holds')).length === 0, { deadline: 20_000 })
  }

  it('the agent is always started again after a stop or kill, also in an outage, and touches no volume', async ({
    node,
    target,
  }) => {
    const before = await standing(node)
    await node.sh('systemctl stop lunkeeper')
    await writer.goesOn(10_000)
    expect(await standing(node)).toEqual(before)
    await node.sh('systemctl start lunkeeper')
    // Without its pause, more often in ten seconds than systemd allows a unit unless it is told (5 times).
    await edit(node, 'lunkeeper.service', 'RestartSec=100ms')
    for (let times = 0; times < 10; times++) {
      const now = await node.until(async () => (await pid(node)) || false)
      await node.sh(`kill -9 ${now}`)
    }
    await node.until(async () => (await isActive(node, 'lunkeeper')) === 'active')
    expect(await standing(node)).toEqual(before)
    await target.disable()
    await lost(node)
    await node.sh(`kill -9 ${await pid(node)}`)
    await node.until(async () => (await isActive(node, 'lunkeeper')) === 'active')
    await goesOn(node, target)
  })

  it('an agent that hangs is replaced by the watchdog', async ({ node, target }) => {
    await edit(node, 'lunkeeper.service', 'WatchdogSec=25')
    await node.sh('systemctl restart lunkeeper')
    const hung = await pid(node)
    // It lives for longer than that when nothing is wrong.
    await sleep(27_000)
    expect(await pid(node)).toBe(hung)
    await target.disable()
    await lost(node)
    await node.sh(`kill -STOP ${hung}`)
    await node.until(async () => ![0, hung].includes(await pid(node)), { deadline: 40_000 })
    expect(await node.sh('systemctl show lunkeeper -p NRestarts --value')).not.toBe('0')
    await goesOn(node, target)
  })

  it('a program of the agent that hangs in a disk does not prevent a new agent from starting', async ({
    node,
    target,
  }) => {
    await target.disable()
    await lost(node)
    await stick(node, '/mnt/two/stuck')
    const began = performance.now()
    await node.sh('systemctl restart lunkeeper', { deadline: 100_000 })
    expect(performance.now() - began).toBeLessThan(patient(20_000))
    await goesOn(node, target)
  })
})

describe.skipIf(!isEverything).each(kernels('bookworm'))('a shutdown by systemd ends (%s)', (debian) => {
  const it = onSystemd(debian, {
    node: 'test',
    async prepare(node, target) {
      await install(node)
      await attachAll(node, target)
    },
  })

  /** It logs out at a shutdown; started by the next boot, once there are records of nodes. */
  const withOpenIscsi = (node: LabNode) => node.sh('systemctl start open-iscsi')

  it('a shutdown without an outage is quick, unmounts, and logs out', async ({ lab, node, target }) => {
    await withOpenIscsi(node)
    await node.sh('for point in /mnt/one /mnt/two; do echo written > $point/file; done')
    expect(await powerOff(node, 60_000)).toBeLessThan(patient(15_000))
    expect(node.console).toMatch(
      /Unmounted mnt-one[^]*Unmounted mnt-two|Unmounted mnt-two[^]*Unmounted mnt-one/,
    )
    expect(node.console).toMatch(/Stopped lunkeeper\.service[^]*Logout of \[sid: [^]* successful/)
    expect(await leftOn(lab, debian, target, ['/mnt/one/file', '/mnt/two/file'])).toEqual([
      'written\n',
      'written\n',
    ])
  })

  it('the kernel waits for no disk when sessions are still logged in and the network went down first', async ({
    node,
  }) => {
    // As ifupdown's networking.service does it.
    await node.write(
      '/etc/systemd/system/net.service',
      `[Unit]
DefaultDependencies=no
Conflicts=shutdown.target
Wants=network.target
Before=network.target shutdown.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/ip link set eth0 down
`,
    )
    await node.sh('systemctl start net')
    expect(await powerOff(node, 100_000)).toBeLessThan(patient(40_000))
    expect(node.console).toMatch(/Synchronizing SCSI cache/)
  })

  it('a target that is back within the grace gets what waited', async ({ lab, node, target }) => {
    await withOpenIscsi(node)
    await node.sh('echo early > /mnt/two/early; sync -f /mnt/two; echo unwritten > /mnt/one/file')
    await target.disable()
    await lost(node)
    await node.start(['sh', '-c', 'echo waiting >> /mnt/two/early; exec sync /mnt/two/early'])
    const off = powerOff(node, 100_000)
    await sleep(6_000)
    expect(node.isOff).toBe(false)
    await target.enable()
    expect(await off).toBeLessThan(patient(30_000))
    expect(await leftOn(lab, debian, target, ['/mnt/one/file', '/mnt/two/early'])).toEqual([
      'unwritten\n',
      'early\nwaiting\n',
    ])
  })

  it('a shutdown in a lasting outage ends with the units as they are', async ({ node, target }) => {
    await withOpenIscsi(node)
    await node.sh(`systemd-run --unit=user sh -c 'exec 3>>/mnt/one/log; while sleep .2; do date >&3; done'`)
    await node.sh('sleep 1; echo unwritten > /mnt/two/file')
    await target.disable()
    await lost(node)
    const took = await powerOff(node, 150_000)
    expect(took).toBeGreaterThan(30_000)
    expect(took).toBeLessThan(patient(75_000))
    await target.enable()
  })

  it('a shutdown ends in an outage that begins while services stop', async ({ node, target }) => {
    await node.write(
      '/etc/systemd/system/slow.service',
      `[Unit]
RequiresMountsFor=/mnt/one
[Service]
ExecStart=/bin/sh -c 'while sleep .1; do date >> /mnt/one/log; done'
ExecStop=/bin/sleep 4
`,
    )
    await node.sh('systemctl start slow')
    await grace(node, '5s')
    const off = powerOff(node, 170_000)
    await sleep(2_500)
    await target.disable()
    expect(await off).toBeLessThan(patient(40_000))
    await target.enable()
  })
})

describe.skipIf(!isEverything).each(kernels('bookworm'))(
  'a shutdown ends with the agent in a container (%s)',
  (debian) => {
    const it = onSystemd(debian, {
      node: 'test',
      async prepare(node, target) {
        // As a container's scope: told to end when the machine goes down, beside everything else.
        const box =
          'mkdir -p /run/host; mount --rbind / /run/host; exec lunkeeper --host-root /run/host agent'
        await node.write('/run/box', box)
        await node.sh('systemd-run --unit=box unshare --mount --propagation slave --ipc sh /run/box')
        await node.until(async () => /ready: 0/.test(await node.sh('journalctl -u box -o cat')), {
          deadline: 20_000,
        })
        await attachAll(node, target)
        await node.sh('systemctl start open-iscsi')
      },
    })

    it('a shutdown without an outage ends, also after the logout, and what was written is there', async ({
      lab,
      node,
      target,
    }) => {
      await node.sh('for point in /mnt/one /mnt/two; do echo written > $point/file; done')
      expect(await powerOff(node, 60_000)).toBeLessThan(patient(20_000))
      expect(await leftOn(lab, debian, target, ['/mnt/one/file', '/mnt/two/file'])).toEqual([
        'written\n',
        'written\n',
      ])
    })

    it('a shutdown in an outage ends when no agent is left to reinstate a path', async ({ node, target }) => {
      await node.sh('echo unwritten > /mnt/two/file')
      await target.disable()
      await lost(node)
      expect(await powerOff(node, 60_000)).toBeLessThan(patient(30_000))
      await target.enable()
    })
  },
)

describe.skipIf(!isEverything).each(kernels('bookworm'))('a reboot brings volumes back (%s)', (debian) => {
  const it = onSystemd(debian, { node: 'none' })
  let shared: Target
  let initiator: string

  it('a volume is mounted before the service that needs it starts', async ({ lab, store }) => {
    shared = await volumes(store)
    const first = await boot(lab, debian)
    await install(first)
    await attachAll(first, shared)
    await first.sh('echo written > /mnt/one/file')
    await first.write(
      '/etc/systemd/system/user.service',
      `[Unit]
After=lunkeeper.service
RequiresMountsFor=/mnt/one
AssertPathIsMountPoint=/mnt/one
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'cat /mnt/one/file > /run/read'
ExecStop=/bin/sh -c 'sleep 1; echo stopped > /mnt/one/file'
[Install]
WantedBy=multi-user.target
`,
    )
    await first.sh('systemctl enable --now user')
    await first.sh(
      'tar -cf /lab/share/disk.tar /etc/systemd/system /etc/iscsi /var/lib/lunkeeper /var/lib/iscsi',
    )
    initiator = first.initiator
    await powerOff(first, 60_000)
    const second = await boot(lab, debian, { name: 'again', initiator, restore: 'disk.tar' })
    expect(await second.read('/run/read')).toBe('stopped\n')
    expect(await standing(second)).toMatchObject({ mounts: POINTS })
    expect(await isActive(second, 'open-iscsi')).toBe('active')
    await second.kill()
  })

  it('a target that is away delays the boot by half a minute, and a service stays down without its volume', async ({
    lab,
  }) => {
    await shared.disable()
    const node = await boot(lab, debian, { name: 'alone', initiator, restore: 'disk.tar' })
    expect(await isActive(node, 'lunkeeper')).toBe('active')
    expect(await node.sh('systemctl show lunkeeper -p ActiveEnterTimestampMonotonic --value')).toMatch(
      /^[34]\d{7}$/,
    )
    expect(await isActive(node, 'user')).not.toBe('active')
    await shared.enable()
    await node.until(async () => (await node.storage()).mounts.length === 2, { deadline: 30_000 })
    await node.sh('systemctl start user')
    await node.kill()
  })
})

import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect } from 'vitest'

import type { Debian, Lab, LabNode, Target } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import { isEverything, kernels } from './node.ts'
import { attach, attachAll, grace, install, lost, onSystemd, POINTS, powerOff } from './on-systemd.ts'

/** What another machine finds on the volumes afterwards, which it takes over: a machine that is off has not detached them. */
async function leftOn(lab: Lab, debian: Debian, target: Target, files: string[]): Promise<string[]> {
  const node = await lab.boot({ name: 'after', debian, address: '10.9.0.3' })
  for (const point of POINTS) await attach(node, target, point, '--take-over')
  const found = await Promise.all(files.map((file) => node.read(file).catch(() => 'not there')))
  await node.kill()
  return found
}

describe.skipIf(!isEverything).each(kernels('bookworm'))('a shutdown by systemd ends (%s)', (debian) => {
  const it = onSystemd(debian, {
    node: 'test',
    async prepare(node, target) {
      await install(node)
      await attachAll(node, target)
    },
  })

  /** open-iscsi logs out at a shutdown; the next boot starts it once there are node records. */
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
    // Like ifupdown's networking.service.
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

/** A scope that systemd stops at a shutdown, at the same time as everything else, and one that it leaves to its last program. */
const SCOPES = [
  ['CRI-O', ''],
  ['containerd', '--property=DefaultDependencies=no '],
] as const

describe
  .skipIf(!isEverything)
  .each(kernels('bookworm').flatMap((debian) => SCOPES.map((scope) => [debian, ...scope] as const)))(
  'a shutdown ends with the agent in a container (%s, a scope as of %s)',
  (debian, _, property) => {
    const it = onSystemd(debian, {
      node: 'test',
      async prepare(node, target) {
        const box =
          'mkdir -p /run/host; mount --rbind / /run/host; exec lunkeeper --host-root /run/host agent'
        await node.write('/run/box', box)
        await node.sh(
          `systemd-run --unit=box ${property}unshare --mount --propagation slave --ipc sh /run/box`,
        )
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

import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import { isEverything, kernels, lunkeeper } from './node.ts'
import {
  attach,
  attachAll,
  edit,
  grace,
  install,
  isActive,
  lost,
  onSystemd,
  pid,
  powerOff,
  standing,
} from './on-systemd.ts'
import { Writer } from './writer.ts'

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
    // Its socket exists, but it is not running: that is normal, and the attach starts it.
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
    await writer.resumes(10_000)
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

  async function resumes(node: LabNode, target: Target): Promise<void> {
    await target.enable()
    await writer.resumes(30_000)
    expect(writer.errors).toBe(0)
    await node.until(async () => (await node.list('/run/lunkeeper/holds')).length === 0, { deadline: 20_000 })
  }

  it('the agent is always started again after a stop or kill, also in an outage, and touches no volume', async ({
    node,
    target,
  }) => {
    const before = await standing(node)
    await node.sh('systemctl stop lunkeeper')
    await writer.resumes(10_000)
    expect(await standing(node)).toEqual(before)
    await node.sh('systemctl start lunkeeper')
    // Without the pause, this is more often in ten seconds than systemd allows by default (5 times).
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
    await resumes(node, target)
  })

  it('an agent that hangs is replaced by the watchdog', async ({ node, target }) => {
    await edit(node, 'lunkeeper.service', 'WatchdogSec=25')
    await node.sh('systemctl restart lunkeeper')
    const hung = await pid(node)
    // If nothing is wrong, it lives for longer than that.
    await sleep(27_000)
    expect(await pid(node)).toBe(hung)
    await target.disable()
    await lost(node)
    await node.sh(`kill -STOP ${hung}`)
    await node.until(async () => ![0, hung].includes(await pid(node)), { deadline: 40_000 })
    expect(await node.sh('systemctl show lunkeeper -p NRestarts --value')).not.toBe('0')
    await resumes(node, target)
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
    await resumes(node, target)
  })
})

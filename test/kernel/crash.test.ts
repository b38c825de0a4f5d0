import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { StepName } from '../../src/volumes/step.ts'
import { STEPS } from '../../src/volumes/step.ts'
import type { Engine } from './engine.ts'
import { startEngine } from './engine.ts'
import { expectNothingLeft as expectNothing, isEverything, lunkeeper, remains } from './node.ts'

const MIB = 1 << 20

/**
 * The lock of a holder that was killed is a socket without an owner, until the next one takes its name;
 * it holds up nobody (test/unit/host/lock).
 */
async function expectNothingLeft(node: LabNode): Promise<void> {
  await node.sh('find /run/lunkeeper/locks -type s -delete')
  await expectNothing(node)
  // Nor at the target.
  expect(await node.sh('cat /sys/kernel/config/target/core/*/*/pr/res_pr_registered_i_pts')).not.toContain(
    'iqn.',
  )
}

const ATTACH = [
  'record',
  'note-login',
  'make-node-record',
  'login',
  'note-session',
  'scan',
  'learn-identity',
  'register',
  'reserve',
  'plan-format',
  'format',
  'check',
  'make-mount-point',
  'protect-mount-point',
  'mount',
  'finish',
] as const satisfies StepName[]

const DETACH = [
  'mark-detaching',
  'sync',
  'unmount',
  'flush',
  'release',
  'delete-disk',
  'logout',
  'remove-node-record',
  'forget-session',
  'unprotect-mount-point',
  'remove-mount-point',
  'forget',
] as const satisfies StepName[]

/** Steps of other beginnings, with a test of their own: here, in multipath.test.ts, expand.test.ts and owner.test.ts. */
const ELSEWHERE = [
  'tell-multipathd',
  'set-timers',
  'drop-stale-disk',
  'preempt',
  'make-map',
  'remove-map',
  'rescan',
  'resize-map',
  'grow',
] as const satisfies StepName[]

const MOMENTS = ['before', 'after'] as const

/** What is there before a step is what was there after the one before it: every day each of these once. */
const moments = (steps: readonly StepName[]): string[] =>
  isEverything
    ? steps.flatMap((step) => MOMENTS.map((moment) => `${step}:${moment}`))
    : [`${steps[0]}:before`, ...steps.map((step) => `${step}:after`)]

/** Into how many moments a run is cut, whatever step they fall in. */
const PARTS = isEverything ? 12 : 5

describe('killed with -9 at any step, run again, it converges', () => {
  let lab: Lab
  let node: LabNode
  let iqn: string
  let flags: string[]
  /** Runs again what died; the one that died is the program itself. */
  let engine: Engine
  let target: Awaited<ReturnType<LabNode['lio']['target']>>

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ memory: 768 })
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    iqn = target.iqn
    engine = await startEngine(node)
    flags = ['--portal', '127.0.0.1', '--iqn', iqn, '--lun', '7', '--name', 'v', '--mount', '/mnt/a/v']
  })
  afterAll(() => lab?.close())

  const again = (format = false) => engine.attach(7, { iqn, name: 'v', mount: '/mnt/a/v', format })

  async function blank(): Promise<void> {
    if (target.luns.some(({ lun }) => lun === 7)) await target.unmap(7, { removeFile: true })
    await target.map(7, { serial: '7e57', bytes: 64 * MIB })
  }

  async function dies(args: readonly string[], at: string): Promise<void> {
    const ended = await lunkeeper(node).run(args, { LUNKEEPER_DIE_AT: at })
    expect(ended, `the step of ${at} was not reached: ${ended.stderr}`).toMatchObject({ signal: 'SIGKILL' })
  }

  async function expectAttachedOnce(): Promise<void> {
    const { sessions, disks, mounts } = await node.storage()
    expect({ sessions, disks, mounts }).toMatchObject({
      sessions: [expect.anything()],
      disks: [expect.anything()],
      mounts: [expect.anything()],
    })
    await node.sh('echo written > /mnt/a/v/file && sync /mnt/a/v/file')
  }

  it('every step has a test', () => {
    expect([...ATTACH, ...DETACH, ...ELSEWHERE].toSorted()).toEqual([...STEPS].toSorted())
  })

  it.each(moments(ATTACH))('attach, %s', async (at) => {
    await blank()
    await dies(['attach', ...flags, '--format'], at)
    const volume = await again(true)
    expect(volume).toMatchObject({ state: 'ready', mount: '/mnt/a/v', fs: 'ext4' })
    await expectAttachedOnce()
    await engine.detach('v')
    await expectNothingLeft(node)
  })

  const ends = ['record:before', ...ATTACH.map((step) => `${step}:after`)]
  it.each(isEverything ? ends : ends.filter((_, index) => index % 2 === 0))(
    'attach, %s, and detached instead of attached again',
    async (at) => {
      await blank()
      await dies(['attach', ...flags, '--format'], at)
      // Before its record there is nothing to detach, and nothing to find.
      if (at === 'record:before') expect(await engine.fails('detach', 'v')).toBe('NOT_FOUND')
      else await engine.detach('v')
      await expectNothingLeft(node)
    },
  )

  it('a volume with a file system, for what follows', async () => {
    await blank()
    await again(true)
    await engine.detach('v')
  })

  it.each(moments(DETACH))('detach, %s', async (at) => {
    await again()
    await node.sh(`echo ${at} > /mnt/a/v/last`)
    await dies(['detach', 'v'], at)
    const ended = await lunkeeper(node).run(['detach', 'v'])
    expect(ended.code, ended.stderr).toBe(at === 'forget:after' ? 1 : 0)
    await expectNothingLeft(node)
    // What was written before the detach that died is on the volume.
    await again()
    expect((await node.sh('cat /mnt/a/v/last')).trim()).toBe(at)
    await engine.detach('v')
  })

  it('killed at whatever moment, in the middle of a program or a call: attach', async () => {
    const whole = (await lunkeeper(node).run(['attach', ...flags])).ms
    await engine.detach('v')
    for (let part = 1; part <= PARTS; part++) {
      const started = await node.start(['lunkeeper', 'attach', ...flags])
      const late = setTimeout(
        () => void started.kill('SIGKILL', { alone: true }),
        (whole * part) / (PARTS + 1),
      )
      await started.exited
      clearTimeout(late)
      await again()
      await expectAttachedOnce()
      await engine.detach('v')
      await expectNothingLeft(node)
    }
  })

  it('killed at whatever moment, in the middle of a program or a call: detach', async () => {
    await again()
    const whole = (await lunkeeper(node).run(['detach', 'v'])).ms
    for (let part = 1; part <= PARTS; part++) {
      await again()
      await node.sh(`echo ${part} > /mnt/a/v/last`)
      const started = await node.start(['lunkeeper', 'detach', 'v'])
      const late = setTimeout(
        () => void started.kill('SIGKILL', { alone: true }),
        (whole * part) / (PARTS + 1),
      )
      await started.exited
      clearTimeout(late)
      // Where the first was done before it died, there is nothing left to find.
      const code = await engine.fails('detach', 'v')
      expect(['no error', 'NOT_FOUND']).toContain(code)
      await expectNothingLeft(node)
    }
  })

  it('a timer that was not set and a stale disk that was not dropped are met by the next run', async () => {
    await blank()
    await node.sh(
      `iscsiadm -m node -o new -T ${iqn} -p 127.0.0.1 && iscsiadm -m node -T ${iqn} -p 127.0.0.1 -l`,
    )
    await node.until(async () => (await node.storage()).disks.length > 0, {
      deadline: 10_000,
      what: 'a disk',
    })
    await target.unmap(7, { removeFile: true })
    await target.map(7, { serial: 'b2b2', bytes: 64 * MIB })
    const raw = ['--portal', '127.0.0.1', '--iqn', iqn, '--lun', '7', '--name', 'v', '--hold', '300s']
    for (const step of ['set-timers', 'drop-stale-disk'] as const)
      for (const moment of MOMENTS) {
        const ended = await lunkeeper(node).run(['attach', ...raw], { LUNKEEPER_DIE_AT: `${step}:${moment}` })
        // Once it was done, the next run has nothing to do there.
        if (moment === 'before') expect(ended.signal, ended.stderr).toBe('SIGKILL')
      }
    const volume = await lunkeeper(node).attach(raw)
    expect(volume.identity?.serial).toBe('b2b2')
    expect(volume.hold.effective).toBe(300)
    await engine.detach('v')
    expect(await remains(node)).toMatchObject({ disks: [], maps: [], mounts: [] })
    await node.sh(
      `iscsiadm -m node -T ${iqn} -p 127.0.0.1 -u; iscsiadm -m node -T ${iqn} -p 127.0.0.1 -o delete`,
    )
    await expectNothingLeft(node)
  })
})

import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import type { StepName } from '../../src/volumes/step.ts'
import { ATTACH_STEPS, DETACH_STEPS } from '../../src/volumes/step.ts'
import type { Engine } from './engine.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft as expectNothing, isEverything, lunkeeper, remains } from './node.ts'
import { loginByHand, logoutByHand } from './other-session.ts'

/**
 * The lock of a holder that was killed is a socket without an owner, until the next holder takes its name; it does
 * not block any process (test/unit/host/lock).
 */
async function expectNothingLeft(node: LabNode): Promise<void> {
  await node.sh('find /run/lunkeeper/locks -type s -delete')
  await expectNothing(node)
  // Nor anything on the target.
  expect(await node.sh('cat /sys/kernel/config/target/core/*/*/pr/res_pr_registered_i_pts')).not.toContain(
    'iqn.',
  )
}

/**
 * Steps that need another starting state, and have their own tests: here, in multipath.test.ts, expand.test.ts and
 * owner-keys.test.ts.
 */
const ELSEWHERE: ReadonlySet<StepName> = new Set([
  'renew-secret',
  'tell-multipathd',
  'set-timers',
  'drop-stale-disk',
  'preempt',
  'make-map',
  'remove-map',
])
const ATTACH = ATTACH_STEPS.filter((step) => !ELSEWHERE.has(step))
const DETACH = DETACH_STEPS.filter((step) => !ELSEWHERE.has(step))

const MOMENTS = ['before', 'after'] as const

/** The state before a step is the state after the previous one: a daily run tests each of these once. */
const moments = (steps: readonly StepName[]): string[] =>
  isEverything
    ? steps.flatMap((step) => MOMENTS.map((moment) => `${step}:${moment}`))
    : [`${steps[0]}:before`, ...steps.map((step) => `${step}:after`)]

/** Into how many moments a run is divided, whatever step they fall in. */
const PARTS = isEverything ? 12 : 5

describe('a command that is killed at any step converges when it is run again', () => {
  /** The engine repeats what died; what died is the program itself. */
  const it = onNode({ memory: 768, after: 'keep', volume: { name: 'v', lun: 7, mount: '/mnt/a/v' } })

  const again = (target: Target, engine: Engine, format = false) =>
    engine.attach(7, { iqn: target.iqn, name: 'v', mount: '/mnt/a/v', format })

  async function blank(target: Target): Promise<void> {
    if (target.luns.some(({ lun }) => lun === 7)) await target.unmap(7, { removeFile: true })
    await target.map(7, { serial: '7e57' })
  }

  async function dies(node: LabNode, args: readonly string[], at: string): Promise<void> {
    const ended = await lunkeeper(node).run(args, { LUNKEEPER_DIE_AT: at })
    expect(ended, `the step of ${at} was not reached: ${ended.stderr}`).toMatchObject({ signal: 'SIGKILL' })
  }

  async function killedAfter(node: LabNode, args: readonly string[], ms: number): Promise<void> {
    const started = await node.start(['lunkeeper', ...args])
    const late = setTimeout(() => void started.kill('SIGKILL', { alone: true }), ms)
    await started.exited
    clearTimeout(late)
  }

  async function expectAttachedOnce(node: LabNode): Promise<void> {
    const { sessions, disks, mounts } = await node.storage()
    expect({ sessions, disks, mounts }).toMatchObject({
      sessions: [expect.anything()],
      disks: [expect.anything()],
      mounts: [expect.anything()],
    })
    await node.sh('echo written > /mnt/a/v/file && sync /mnt/a/v/file')
  }

  it.for(moments(ATTACH))(
    'attach that is killed at %s is completed by the next one',
    async (at, { node, target, engine, volume }) => {
      await blank(target)
      await dies(node, ['attach', ...volume.flags, '--mount', volume.mount, '--format'], at)
      expect(await again(target, engine, true)).toMatchObject({
        state: 'ready',
        mount: '/mnt/a/v',
        fs: 'ext4',
      })
      await expectAttachedOnce(node)
      await engine.detach('v')
      await expectNothingLeft(node)
    },
  )

  const ends = ['record:before', ...ATTACH.map((step) => `${step}:after`)]
  it.for(isEverything ? ends : ends.filter((_, index) => index % 2 === 0))(
    'attach that is killed at %s is undone by detach',
    async (at, { node, target, engine, volume }) => {
      await blank(target)
      await dies(node, ['attach', ...volume.flags, '--mount', volume.mount, '--format'], at)
      // Before its record exists there is nothing to detach, and nothing to find.
      if (at === 'record:before') expect(await engine.fails('detach', 'v')).toBe('NOT_FOUND')
      else await engine.detach('v')
      await expectNothingLeft(node)
    },
  )

  it('a volume gets a file system for the tests that follow', async ({ target, engine }) => {
    await blank(target)
    await again(target, engine, true)
    await engine.detach('v')
  })

  it.for(moments(DETACH))(
    'detach that is killed at %s is completed by the next one',
    async (at, { node, target, engine }) => {
      await again(target, engine)
      await node.sh(`echo ${at} > /mnt/a/v/last`)
      await dies(node, ['detach', 'v'], at)
      const ended = await lunkeeper(node).run(['detach', 'v'])
      expect(ended.code, ended.stderr).toBe(at === 'forget:after' ? 1 : 0)
      await expectNothingLeft(node)
      // What was written before the detach that died is on the volume.
      await again(target, engine)
      expect((await node.sh('cat /mnt/a/v/last')).trim()).toBe(at)
      await engine.detach('v')
    },
  )

  it('attach that is killed at any moment, in the middle of a program or a call, is completed by the next one', async ({
    node,
    target,
    engine,
    volume,
  }) => {
    const whole = (await lunkeeper(node).run(['attach', ...volume.flags, '--mount', volume.mount])).ms
    await engine.detach('v')
    for (let part = 1; part <= PARTS; part++) {
      const args = ['attach', ...volume.flags, '--mount', volume.mount]
      await killedAfter(node, args, (whole * part) / (PARTS + 1))
      await again(target, engine)
      await expectAttachedOnce(node)
      await engine.detach('v')
      await expectNothingLeft(node)
    }
  })

  it('detach that is killed at any moment, in the middle of a program or a call, is completed by the next one', async ({
    node,
    target,
    engine,
  }) => {
    await again(target, engine)
    const whole = (await lunkeeper(node).run(['detach', 'v'])).ms
    for (let part = 1; part <= PARTS; part++) {
      await again(target, engine)
      await node.sh(`echo ${part} > /mnt/a/v/last`)
      await killedAfter(node, ['detach', 'v'], (whole * part) / (PARTS + 1))
      // If the first detach had finished before it died, there is nothing left to find.
      const code = await engine.fails('detach', 'v')
      expect(['no error', 'NOT_FOUND']).toContain(code)
      await expectNothingLeft(node)
    }
  })

  it('the next run sets a timer that was not set and drops a stale disk that was not dropped', async ({
    node,
    target,
    engine,
    volume,
  }) => {
    await blank(target)
    await loginByHand(node, target, { disks: 1 })
    await target.unmap(7, { removeFile: true })
    await target.map(7, { serial: 'b2b2' })
    const raw = [...volume.flags, '--hold', '300s']
    for (const step of ['set-timers', 'drop-stale-disk'] as const)
      for (const moment of MOMENTS) {
        const ended = await lunkeeper(node).run(['attach', ...raw], { LUNKEEPER_DIE_AT: `${step}:${moment}` })
        // If the step was already done, the next run has nothing to do there.
        if (moment === 'before') expect(ended.signal, ended.stderr).toBe('SIGKILL')
      }
    const { identity, hold } = await volume.attach('--hold', '300s')
    expect(identity?.serial).toBe('b2b2')
    expect(hold.effective).toBe(300)
    await engine.detach('v')
    expect(await remains(node)).toMatchObject({ disks: [], maps: [], mounts: [] })
    await logoutByHand(node, target)
    await expectNothingLeft(node)
  })
})

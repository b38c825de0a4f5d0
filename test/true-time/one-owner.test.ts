import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { cutNetwork, joinNetwork } from '../../lab/network/cut.ts'
import { Agent } from '../kernel/agent.ts'
import type { TwoNodesFixtures } from '../kernel/fixtures.ts'
import { onTwoNodes } from '../kernel/fixtures.ts'
import { expectNothingLeft, killAndWait, kernels } from '../kernel/node.ts'
import type { Volume } from '../kernel/volume.ts'
import { expectCleanDetach } from '../kernel/volume.ts'
import { Writer } from '../kernel/writer.ts'
import type { Story } from './stories.ts'
import { storyOf, words } from './stories.ts'

/** `LUNKEEPER_RUNS=200 LUNKEEPER_SEED=1 npm run test:true-time -- test/true-time/one-owner.test.ts` */
const RUNS = Number(process.env.LUNKEEPER_RUNS ?? 8)
const FIRST = Number(process.env.LUNKEEPER_SEED ?? 1)
/** mkfs.xfs refuses less than 300 MB. */
const SIZE = 320 << 20
/** For what an agent notices within seconds; generous, because the machine may be busy. */
const SEEN_MS = 240_000
const FILES = 20
const MAP = '/dev/mapper/lunkeeper-db'

/** The place of what the new owner has written and flushed. On a raw volume the former node writes there, too. */
const ownerWrites = (content: Story['content'], device: string) =>
  content === 'raw'
    ? `for n in $(seq ${FILES}); do yes owner$n | head -c 65536 | dd of=${device} bs=64k seek=$n oflag=direct conv=fsync,notrunc status=none; done`
    : `cd /mnt/db; for n in $(seq ${FILES}); do echo owner$n > owner$n; done; sync -f .; fsfreeze --freeze /mnt/db`
const ownerReads = (content: Story['content'], device: string) =>
  content === 'raw'
    ? `dd if=${device} bs=64k skip=1 count=${FILES} iflag=direct status=none | sha256sum`
    : 'cd /mnt/db; echo 3 > /proc/sys/vm/drop_caches; cat owner* | sha256sum'

/** The first node, and how it goes away and comes back. */
class Former {
  readonly #node: LabNode
  readonly #pauses: boolean
  #isAway = false

  constructor(node: LabNode, { kind }: Story) {
    this.#node = node
    this.#pauses = kind === 'pause'
  }

  async goAway(): Promise<void> {
    if (this.#pauses) this.#node.freeze()
    else await cutNetwork(this.#node)
    this.#isAway = true
  }

  async comeBack(): Promise<void> {
    if (!this.#isAway) return
    this.#isAway = false
    if (this.#pauses) this.#node.thaw()
    else await joinNetwork(this.#node)
  }
}

describe.each(kernels('bookworm'))('a volume that moves has one writer (%s)', (debian) => {
  const it = onTwoNodes({
    debian,
    a: { memory: 640 },
    b: { memory: 640 },
    luns: [{ lun: 5, serial: 'a11a0005', bytes: SIZE, name: 'ours' }],
  })
  // For a test that ended before the first node was back.
  afterEach<TwoNodesFixtures>(async ({ a }) => {
    a.thaw()
    await joinNetwork(a).catch(() => {})
  })

  const attach = (volume: Volume, { content }: Story, ...more: string[]) =>
    content === 'raw'
      ? volume.attach('--hold', 'forever', ...more)
      : volume.again('--hold', 'forever', '--fs', content, ...more)

  it.for(
    Array.from({ length: RUNS }, (_, run) => [words(storyOf(FIRST + run)), storyOf(FIRST + run)] as const),
  )('%s', async ([, story], { array, a, b, onA, onB, target }) => {
    const { content, kind } = story
    if (!story.reservations) await target.disableReservations(5)
    const agent = await Agent.start(a)
    await attach(onA, story, ...(content === 'raw' ? [] : ['--format']))
    const writer = await Writer.start(a, content === 'raw' ? MAP : '/mnt/db/former')
    await sleep(story.writing)

    const former = new Former(a, story)
    if (kind !== 'rollout') await former.goAway()
    if (kind === 'rollout') await onB.refused('OWNED_ELSEWHERE')
    const meanwhile = Promise.all([killAgent(agent, story), detachAndKill(onA, story)])
    await sleep(story.away)

    const takeover = attach(onB, story, '--take-over')
    const returned = story.back === null ? null : sleep(story.back).then(() => former.comeBack())
    // Without an agent there, it is a disk, not a map.
    const device = (await takeover).device!
    await b.sh(ownerWrites(content, device))
    const sum = content === 'raw' ? await b.sh(ownerReads(content, device)) : ''
    const before = await target.hash(5)

    await (returned ?? former.comeBack())
    await meanwhile
    if (story.agentDies !== null) await agent.start()
    const fenced = await onA.state('fenced', SEEN_MS)
    expect(fenced.owner.mine).toBe(false)
    // Nothing of what the former node held, or continued to write, has arrived.
    expect(await target.hash(5)).toBe(before)

    if (content !== 'raw') await b.sh('fsfreeze --unfreeze /mnt/db')
    const expected =
      content === 'raw'
        ? sum
        : await b.sh(
            `cd /tmp; for n in $(seq ${FILES}); do echo owner$n > owner$n; done; cat owner* | sha256sum`,
          )
    expect(await b.sh(ownerReads(content, device))).toBe(expected)
    await writer.stop()
    await onA.detach('--force')
    await agent.stop()
    await expectNothingLeft(a)
    await expectCleanDetach(onB)
    await expectSound(array, content, target.luns[0]!.file)
  })
})

/** A paused machine learns of it once it resumes. */
async function killAgent(agent: Agent, { agentDies }: Story): Promise<void> {
  if (agentDies === null) return
  await sleep(agentDies)
  await agent.kill()
}

/** What Kubernetes does with a pod that is deleted while its node has no storage. */
async function detachAndKill(volume: Volume, { detachDies }: Story): Promise<void> {
  if (detachDies === null) return
  const detach = await volume.node.start(['lunkeeper', 'detach', volume.name])
  await sleep(detachDies)
  await killAndWait(detach).catch(() => {})
}

async function expectSound(array: LabNode, content: Story['content'], file: string): Promise<void> {
  if (content === 'raw') return
  const check = await array.run(content === 'xfs' ? ['xfs_repair', '-nf', file] : ['e2fsck', '-fn', file])
  expect(check.code, check.stdout).toBe(0)
}

import type { Arbitrary } from 'fast-check'
import { array, assert, asyncProperty, boolean, constantFrom, integer, oneof, record } from 'fast-check'
import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../../lab/index.ts'
import type { Agent } from '../agent.ts'
import { isEverything, kernels } from '../node.ts'
import { onCsiNode } from './fixtures.ts'
import type { Answer, Claim, Kubelet } from './kubelet.ts'
import {
  block,
  claimOf,
  expectNothingStaged,
  publishing,
  staging,
  stagingPath,
  targetPath,
  unpublishing,
  unstaging,
} from './kubelet.ts'

const RUNS = isEverything ? 15 : 3
const LENGTH = isEverything ? 20 : 10

const VOLUMES = ['files', 'device'] as const
const PODS = ['pod-a', 'pod-b'] as const

interface Call {
  readonly what: 'stage' | 'unstage' | 'publish' | 'unpublish'
  readonly volume: (typeof VOLUMES)[number]
  readonly pod: (typeof PODS)[number]
  readonly readOnly: boolean
}

/** One call, several at once, and an agent that is killed meanwhile and restarted. */
interface Act {
  readonly calls: readonly Call[]
  /** Milliseconds after their start; null: the agent is not killed. */
  readonly killedAfter: number | null
}

const call: Arbitrary<Call> = record({
  what: constantFrom('stage', 'stage', 'publish', 'publish', 'unpublish', 'unstage'),
  volume: constantFrom(...VOLUMES),
  pod: constantFrom(...PODS),
  readOnly: boolean(),
})
const act: Arbitrary<Act> = oneof(
  {
    weight: 5,
    arbitrary: record({
      calls: array(call, { minLength: 1, maxLength: 1 }),
      killedAfter: constantFrom(null),
    }),
  },
  {
    weight: 2,
    arbitrary: record({
      calls: array(call, { minLength: 2, maxLength: 4 }),
      killedAfter: constantFrom(null),
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      calls: array(call, { minLength: 1, maxLength: 3 }),
      killedAfter: integer({ min: 0, max: 900 }),
    }),
  },
)

type Claims = Record<Call['volume'], Claim>

describe.each(kernels('trixie'))('a kubelet that is confused does no harm (%s)', (debian) => {
  const it = onCsiNode({
    debian,
    memory: 768,
    after: 'keep',
    luns: [
      { lun: 1, serial: 'f11e', bytes: 32 << 20 },
      { lun: 2, serial: 'de71', bytes: 32 << 20 },
    ],
  })

  /** Both volumes, staged once, so that their contents distinguish them. */
  async function marked(node: LabNode, target: Target, kubelet: Kubelet): Promise<Claims> {
    const claims = {
      files: claimOf(target, 'files', { lun: '1' }),
      device: { ...claimOf(target, 'device', { lun: '2' }), volumeCapability: block() },
    }
    await kubelet.stage(claims.files)
    await node.sh(`echo files > ${stagingPath('files')}/name`)
    await kubelet.unstage(claims.files)
    await kubelet.stage(claims.device)
    await kubelet.publish(claims.device, 'pod-a')
    await node.sh(`printf device | dd of=${targetPath('device', 'pod-a')} conv=notrunc,fsync status=none`)
    await kubelet.unpublish(claims.device, 'pod-a')
    await kubelet.unstage(claims.device)
    return claims
  }

  const perform = (kubelet: Kubelet, claims: Claims, asked: Call): Promise<Answer> =>
    verbs(kubelet, claims)[asked.what](asked)

  const verbs = (
    kubelet: Kubelet,
    claims: Claims,
  ): Record<Call['what'], (asked: Call) => Promise<Answer>> => ({
    stage: ({ volume }) => kubelet.ask('nodeStageVolume', staging(claims[volume])),
    unstage: ({ volume }) => kubelet.ask('nodeUnstageVolume', unstaging(volume)),
    publish: ({ volume, pod, readOnly }) =>
      kubelet.ask('nodePublishVolume', {
        ...publishing(claims[volume], pod),
        readonly: readOnly && volume === 'files',
      }),
    unpublish: ({ volume, pod }) => kubelet.ask('nodeUnpublishVolume', unpublishing(volume, pod)),
  })

  async function run(
    node: LabNode,
    agent: Agent,
    kubelet: Kubelet,
    claims: Claims,
    { calls, killedAfter }: Act,
  ): Promise<void> {
    const answers = Promise.all(calls.map((one) => perform(kubelet, claims, one)))
    if (killedAfter !== null) {
      await new Promise((resolve) => setTimeout(resolve, killedAfter))
      await agent.kill({ alone: true })
    }
    const ended = await answers
    if (killedAfter !== null) await agent.start()
    const [only] = calls
    if (calls.length === 1 && only && killedAfter === null && !ended[0]!.code) await expectDone(node, only)
    await expectSane(node)
  }

  const shown = async (node: LabNode) =>
    (await node.sh(`awk '$5 ~ "^/var/lib/kubelet/" {print $5}' /proc/self/mountinfo`))
      .split('\n')
      .filter(Boolean)

  /** An answer of OK must be true. */
  async function expectDone(node: LabNode, { what, volume, pod, readOnly }: Call): Promise<void> {
    const points = await shown(node)
    const at = targetPath(volume, pod)
    if (what === 'publish') {
      expect(points).toContain(at)
      const isReadOnly = await node.sh(`findmnt -rno OPTIONS ${at} | cut -d, -f1`)
      if (volume === 'files') expect(isReadOnly).toBe(readOnly ? 'ro' : 'rw')
    }
    if (what === 'unpublish') {
      expect(points).not.toContain(at)
      expect(await node.exists(at)).toBe(false)
    }
    if (what === 'stage' && volume === 'files') expect(points).toContain(stagingPath(volume))
    if (what === 'unstage') {
      expect(points.filter((point) => point.includes(`/${volume}/`))).toEqual([])
      expect((await node.list('/var/lib/lunkeeper/volumes')).filter((file) => file.includes(volume))).toEqual(
        [],
      )
    }
  }

  /** There are never two mounts at one path, and never another volume than the one that belongs there. */
  async function expectSane(node: LabNode): Promise<void> {
    const points = await shown(node)
    expect(points).toEqual([...new Set(points)])
    for (const point of points) {
      const isDevice = point.includes('/device/')
      const name = await node.sh(isDevice ? `head -c 6 ${point}` : `cat ${point}/name`)
      expect(name.trim(), point).toBe(isDevice ? 'device' : 'files')
    }
    const { disks, maps, mounts } = await node.storage()
    expect(disks.length).toBeLessThanOrEqual(2)
    expect(maps.length).toBeLessThanOrEqual(2)
    expect(mounts.length).toBeLessThanOrEqual(3)
  }

  /** What a kubelet does at the end, whatever happened before. */
  async function clearAway(node: LabNode, kubelet: Kubelet, claims: Claims): Promise<void> {
    for (const volume of VOLUMES) {
      for (const pod of PODS) await kubelet.unpublish(claims[volume], pod)
      await kubelet.unstage(claims[volume])
    }
    await expectNothingStaged(node)
    expect(await node.list('/var/lib/lunkeeper/volumes')).toEqual([])
  }

  it(
    'a volume is never mounted twice at one place or mistaken for another, and nothing is left after the last unstage',
    { timeout: 1_800_000 },
    async ({ node, target, agent, kubelet }) => {
      const claims = await marked(node, target, kubelet)
      await assert(
        asyncProperty(array(act, { minLength: 3, maxLength: LENGTH }), async (acts) => {
          for (const one of acts) await run(node, agent, kubelet, claims, one)
          await clearAway(node, kubelet, claims)
        }),
        // Each run begins with nothing, because the previous run ended that way; a shrunk one would not reveal
        // more.
        { numRuns: RUNS, endOnFailure: true },
      )
    },
  )
})

import { describe, expect } from 'vitest'

import type { LabNode, Target } from '../../../lab/index.ts'
import { isEverything, kernels } from '../node.ts'
import { onCsiNode } from './fixtures.ts'
import type { Claim, Kubelet } from './kubelet.ts'
import {
  block,
  claimOf,
  expectNothingPublished,
  publishing,
  staging,
  unpublishing,
  unstaging,
} from './kubelet.ts'

/** For a machine on which programs start ten times slower than on a host: udev is minutes behind. */
const MANY = 32
const MIB = 1 << 20

describe.runIf(isEverything).each(kernels('bookworm'))('many volumes are staged at once (%s)', (debian) => {
  const it = onCsiNode({
    debian,
    memory: 1024,
    after: 'keep',
    // A network card with nothing behind it: packets go out, and no host answers.
    prepare: (node) =>
      node.sh('ip link add nowhere type dummy; ip addr add 10.97.0.1/24 dev nowhere; ip link set nowhere up'),
  })

  const claim = (
    volumeId: string,
    target: Pick<Target, 'iqn'>,
    lun: number,
    targetPortal = '127.0.0.1',
  ): Claim => ({
    ...claimOf(target, volumeId, { targetPortal, lun: String(lun) }),
    volumeCapability: block('SINGLE_NODE_SINGLE_WRITER'),
  })

  const alone = { stage: 0, unstage: 0 }
  const dead = () => claim('dead', { iqn: 'iqn.2026-01.example:dead' }, 0, '10.97.0.9')

  /** One call for each volume, all at once. @returns how many milliseconds each took of the total */
  async function all(
    kubelet: Kubelet,
    method: string,
    claims: readonly Claim[],
    request: (one: Claim) => object,
  ) {
    const started = performance.now()
    const answers = await Promise.all(claims.map((one) => kubelet.ask(method, request(one))))
    expect(answers.filter(({ code }) => code)).toEqual([])
    return Math.round((performance.now() - started) / claims.length)
  }

  const unstage = ({ volumeId }: Claim) => unstaging(volumeId)

  /** All are staged, published, unpublished and unstaged, each step for all at once; one more has a dead portal. */
  async function live(node: LabNode, kubelet: Kubelet, claims: readonly Claim[], dead: Claim): Promise<void> {
    // The first round of a boot loads modules.
    for (let turn = 0; turn < 2; turn++) {
      alone.stage = await all(kubelet, 'nodeStageVolume', claims.slice(0, 1), staging)
      alone.unstage = await all(kubelet, 'nodeUnstageVolume', claims.slice(0, 1), unstage)
    }
    const silent = kubelet.ask('nodeStageVolume', staging(dead))
    const stageMs = await all(kubelet, 'nodeStageVolume', claims, staging)
    expect((await silent).code).toBe('Unavailable')
    await all(kubelet, 'nodePublishVolume', claims, (one) => publishing(one, 'pod'))
    const { disks, maps } = await node.storage()
    expect({ disks: disks.length, maps: maps.length }).toEqual({ disks: MANY, maps: MANY })
    await all(kubelet, 'nodeUnpublishVolume', claims, ({ volumeId }) => unpublishing(volumeId, 'pod'))
    const unstageMs = await all(kubelet, 'nodeUnstageVolume', claims, unstage)
    console.log(JSON.stringify({ debian, volumes: MANY, stageMs, unstageMs, alone }))
    // Many at once are not much slower than one after the other; udev, on the same processor, is minutes behind.
    expect(stageMs).toBeLessThan(2 * alone.stage)
    expect(unstageMs).toBeLessThan(2 * alone.unstage)
    await expectNothingPublished(node)
    expect(await node.storage()).toMatchObject({ sessions: [], disks: [], maps: [] })
  }

  it('volumes of one target are staged and unstaged together', async ({ node, kubelet }) => {
    const target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.mapMany(
      Array.from({ length: MANY }, (_, lun) => ({ lun, serial: `a0${lun + 16}`, bytes: MIB })),
    )
    const claims = Array.from({ length: MANY }, (_, lun) => claim(`one-${lun}`, target, lun))
    await live(node, kubelet, claims, dead())
    await target.remove({ removeFiles: true })
  })

  it('volumes with a target for each are staged and unstaged together', async ({ node, kubelet }) => {
    const targets: Target[] = []
    for (let n = 0; n < MANY; n++) {
      const target = await node.lio.target({ iqn: `iqn.2026-01.example:t${n}`, portals: ['127.0.0.1:3260'] })
      await target.map(0, { serial: `b0${n + 16}`, bytes: MIB })
      targets.push(target)
    }
    const claims = targets.map((target, n) => claim(`each-${n}`, target, 0))
    await live(node, kubelet, claims, dead())
  })
})

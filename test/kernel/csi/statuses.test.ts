import { beforeEach, describe, expect } from 'vitest'

import type { LabNode, Target } from '../../../lab/index.ts'
import type { CsiFixtures } from './fixtures.ts'
import { onCsiNode } from './fixtures.ts'
import type { Claim, Kubelet } from './kubelet.ts'
import { claimOf, expectNothingStaged, staging, stagingPath, targetPath } from './kubelet.ts'
import { statusRows } from './status-rows.ts'

const MIB = 1 << 20
const OPEN = 'iqn.2026-01.example:open'
const CLOSED = 'iqn.2026-01.example:closed'
const PREFIX = 'node.session.auth.'
const CHAP = { user: 'node-a', password: 'TopSecret-0123456789' }

/** The statuses that the specification lists for each call, under the headings of its sections. */
describe('a CSI call fails with the status that the specification lists', () => {
  const it = onCsiNode({
    memory: 768,
    after: 'keep',
    target: { iqn: OPEN },
  })
  const used = claim('used', 1)
  let scene: Promise<void> | undefined
  beforeEach<CsiFixtures>(({ node, target, kubelet }) => (scene ??= prepared(node, target, kubelet)))

  /** The state for all tests: two volumes, the first of which is in use, and a target that requires CHAP. */
  async function prepared(node: LabNode, target: Target, kubelet: Kubelet): Promise<void> {
    await target.map(1, { serial: 'aa01', bytes: 32 * MIB })
    await target.map(2, { serial: 'aa02', bytes: 32 * MIB })
    const closed = await node.lio.target({ iqn: CLOSED, chap: CHAP })
    await closed.map(3, { serial: 'aa03', bytes: 32 * MIB })
    await kubelet.bring(used, 'pod-a')
  }

  function claim(volumeId: string, lun: number, more: Partial<Claim> = {}): Claim {
    return { ...claimOf({ iqn: OPEN }, volumeId, { lun: String(lun) }), ...more }
  }

  const secrets = (password = CHAP.password) => ({
    [`${PREFIX}username`]: CHAP.user,
    [`${PREFIX}password`]: password,
  })
  const withContext = (volume: Claim, changed: Record<string, string>): Claim => ({
    ...volume,
    volumeContext: { ...volume.volumeContext, ...changed },
  })
  const fresh = () => claim('fresh', 2)
  const usedAt = targetPath('used', 'pod-a')

  const rows = statusRows({
    claim,
    fresh,
    withContext,
    used: () => used,
    closed: () => CLOSED,
    usedAt,
    wrong: secrets('Wrong-Secret-000'),
  })

  describe.each(rows)('a call is answered as in the section %s', (_, table) => {
    it.for(table)('"%s" is the answer of %s', async ([, method, request, code, says], { kubelet }) => {
      await kubelet.fails(method, request(), code, says)
    })
  })

  it('one volume is there after all of that, as it was, and nothing of the others', async ({ node }) => {
    const { mounts, disks, sessions, maps } = await node.storage()
    expect(mounts.toSorted()).toEqual([stagingPath('used'), usedAt].toSorted())
    expect({ disks: disks.length, sessions: sessions.length, maps: maps.length }).toEqual({
      disks: 1,
      sessions: 1,
      maps: 1,
    })
    expect(await node.list('/var/lib/lunkeeper/volumes')).toHaveLength(1)
  })

  it('a second call for a volume is aborted while the first one runs (Operation pending for volume)', async ({
    kubelet,
  }) => {
    const [first, second] = await Promise.all([
      kubelet.ask('nodeStageVolume', staging(fresh())),
      kubelet.ask('nodeUnstageVolume', { volumeId: 'fresh', stagingTargetPath: stagingPath('fresh') }),
    ])
    expect([first.code, second.code].filter(Boolean)).toEqual(['Aborted'])
    await kubelet.stage(fresh())
    await kubelet.unstage(fresh())
  })

  it('a call whose deadline passes continues, and the next one finds its work done', async ({
    node,
    kubelet,
  }) => {
    const late = await kubelet.ask('nodeStageVolume', staging(fresh()), 100)
    expect(late.code).toBe('DeadlineExceeded')
    const done = async () => (await kubelet.ask('nodeStageVolume', staging(fresh()))).code === undefined
    await node.until(done, { deadline: 30_000, what: 'the volume staged' })
    expect((await node.storage()).mounts).toContain(stagingPath('fresh'))
    await kubelet.unstage(fresh())
  })

  it('CHAP secrets of a call, under the keys of iscsi.csi.k8s.io, are in no log, answer or record', async ({
    node,
    agent,
    kubelet,
  }) => {
    const volume = { ...withContext(claim('chap', 3), { iqn: CLOSED }), secrets: secrets() }
    await kubelet.stage(volume)
    const found = await node.run(['grep', '-rl', CHAP.password, '/var/lib', '/run', '/etc', '/tmp'])
    // iscsid needs it to log in again: it is in iscsid's own record, readable by root only.
    const files = found.stdout
      .trim()
      .split('\n')
      // iscsiadm keeps them in its node records: Debian 12 and Debian 13.
      .filter((file) => !/^\/(etc|var\/lib)\/iscsi\/nodes\//.test(file))
    expect(files).toEqual([])
    expect(await node.sh(`ps ax -o args | grep -v grep | grep -c ${CHAP.password} || true`)).toBe('0')
    await kubelet.unstage(volume)
    // As for the old driver: it is reported, and it works.
    const attribute = JSON.stringify(secrets())
    const old = withContext({ ...volume, secrets: {} }, { secret: attribute })
    await kubelet.stage(old)
    await kubelet.unstage(old)
    expect(agent.process.stderr).toContain('nodeStageSecretRef')
    expect(agent.process.stderr).not.toContain(CHAP.password)
  })

  it('the last unstage leaves nothing', async ({ node, kubelet }) => {
    await kubelet.release(used, 'pod-a')
    await expectNothingStaged(node)
  })
})

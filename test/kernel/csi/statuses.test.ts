import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../../lab/index.ts'
import { Lab } from '../../../lab/index.ts'
import type { Claim } from './kubelet.ts'
import { statusRows } from './status-rows.ts'
import {
  expectNothingPublished,
  Kubelet,
  mountable,
  staging,
  stagingPath,
  startDriver,
  targetPath,
} from './kubelet.ts'

const MIB = 1 << 20
const PREFIX = 'node.session.auth.'
const CHAP = { user: 'node-a', password: 'TopSecret-0123456789' }

/** The statuses that the specification lists for each call, under the headings of its sections. */
describe('statuses of CSI calls', () => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let closed: Target
  let agent: LabProcess
  let kubelet: Kubelet
  /** Staged and published at pod-a, read-write. */
  let used: Claim

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ memory: 768 })
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(1, { serial: 'aa01', bytes: 32 * MIB })
    await target.map(2, { serial: 'aa02', bytes: 32 * MIB })
    closed = await node.lio.target({
      portals: ['127.0.0.1:3260'],
      iqn: 'iqn.2026-01.example:closed',
      chap: CHAP,
    })
    await closed.map(3, { serial: 'aa03', bytes: 32 * MIB })
    agent = await startDriver(node)
    kubelet = await Kubelet.start(node)
    used = claim('used', 1)
    await kubelet.stage(used)
    await kubelet.publish(used, 'pod-a')
  })
  afterAll(() => lab?.close())

  function claim(volumeId: string, lun: number, more: Partial<Claim> = {}): Claim {
    const volumeContext = { targetPortal: '127.0.0.1', iqn: target.iqn, lun: String(lun) }
    return { volumeId, volumeContext, volumeCapability: mountable(), ...more }
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
    closed: () => closed.iqn,
    usedAt,
    wrong: secrets('Wrong-Secret-000'),
  })

  describe.each(rows)('%s', (_, table) => {
    it.each(table)('%s (%s)', async (_, method, request, code, says) => {
      await kubelet.fails(method, request(), code, says)
    })
  })

  it('after all of that there is one volume, as it was, and nothing of the others', async () => {
    const { mounts, disks, sessions, maps } = await node.storage()
    expect(mounts.toSorted()).toEqual([stagingPath('used'), usedAt].toSorted())
    expect({ disks: disks.length, sessions: sessions.length, maps: maps.length }).toEqual({
      disks: 1,
      sessions: 1,
      maps: 1,
    })
    expect(await node.list('/var/lib/lunkeeper/volumes')).toHaveLength(1)
  })

  it('Operation pending for volume: the second call is aborted, the first one goes on', async () => {
    const [first, second] = await Promise.all([
      kubelet.ask('nodeStageVolume', staging(fresh())),
      kubelet.ask('nodeUnstageVolume', { volumeId: 'fresh', stagingTargetPath: stagingPath('fresh') }),
    ])
    expect([first.code, second.code].filter(Boolean)).toEqual(['Aborted'])
    await kubelet.stage(fresh())
    await kubelet.unstage(fresh())
  })

  it('a call whose deadline passes is not the end of its work: the next finds it done', async () => {
    const late = await kubelet.ask('nodeStageVolume', staging(fresh()), 100)
    expect(late.code).toBe('DeadlineExceeded')
    const done = async () => (await kubelet.ask('nodeStageVolume', staging(fresh()))).code === undefined
    await node.until(done, { deadline: 30_000, what: 'the volume staged' })
    expect((await node.storage()).mounts).toContain(stagingPath('fresh'))
    await kubelet.unstage(fresh())
  })

  it('CHAP from the secrets of a call, under the keys of iscsi.csi.k8s.io; in no log, answer or record', async () => {
    const volume = { ...withContext(claim('chap', 3), { iqn: closed.iqn }), secrets: secrets() }
    await kubelet.stage(volume)
    const found = await node.run(['grep', '-rl', CHAP.password, '/var/lib', '/run', '/etc', '/tmp'])
    // iscsid needs it to log in again: in its own record, for root alone.
    const files = found.stdout
      .trim()
      .split('\n')
      .filter((file) => !file.startsWith('/etc/iscsi/nodes/'))
    expect(files).toEqual([])
    expect(await node.sh(`ps ax -o args | grep -v grep | grep -c ${CHAP.password} || true`)).toBe('0')
    await kubelet.unstage(volume)
    // As the old driver had it: told of, and it works.
    const attribute = JSON.stringify(secrets())
    const old = withContext({ ...volume, secrets: {} }, { secret: attribute })
    await kubelet.stage(old)
    await kubelet.unstage(old)
    expect(agent.stderr).toContain('nodeStageSecretRef')
    expect(agent.stderr).not.toContain(CHAP.password)
  })

  it('the last unstage leaves nothing', async () => {
    await kubelet.unpublish(used, 'pod-a')
    await kubelet.unstage(used)
    await expectNothingPublished(node)
    const { sessions, disks, maps, mounts } = await node.storage()
    expect({ sessions, disks, maps, mounts }).toEqual({ sessions: [], disks: [], maps: [], mounts: [] })
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { openLab } from '../kernel/fixtures.ts'
import { agentOn, expectNothingLeft, lunkeeper } from '../kernel/node.ts'
import { Writer } from '../kernel/writer.ts'

const MINUTE = 60_000
/** From the moment when the target accepts logins again. */
const BACK = 2_000
/** mkfs.xfs refuses less. */
const BYTES = 320 << 20

describe.each(['bookworm', 'trixie'] as const)('a minute without a target (%s)', (debian) => {
  let node: LabNode
  let target: Target
  let agent: LabProcess

  openLab(async (lab) => {
    node = await lab.boot({ debian, memory: 1024 })
    // What a volume on a bare disk would have had.
    await node.sh(
      `sed -i 's/^node.session.timeo.replacement_timeout.*/node.session.timeo.replacement_timeout = 5/' /etc/iscsi/iscsid.conf`,
    )
  })
  beforeEach(async () => {
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    for (const lun of [5, 6, 7])
      await target.map(lun, { serial: `aaaa${lun}`, bytes: BYTES, name: `v${lun}` })
    agent = await agentOn(node)
  })
  afterEach(async () => {
    await node.reset()
    await node.remove('/dev/shm/luns')
  })

  const attach = (name: string, lun: number, ...more: string[]) =>
    lunkeeper(node).attach([
      '--portal=127.0.0.1',
      `--iqn=${target.iqn}`,
      `--lun=${lun}`,
      `--name=${name}`,
      '--hold=120s',
      ...more,
    ])

  async function outage(): Promise<void> {
    await target.disable()
    await agent.errors(/all paths lost/)
    await new Promise((resolve) => setTimeout(resolve, MINUTE))
  }

  async function detached(...names: string[]): Promise<void> {
    for (const name of names) expect((await lunkeeper(node).detach(name)).left).toEqual([])
    await agent.kill('SIGTERM')
    await agent.exited
    await expectNothingLeft(node)
  }

  it('ext4, xfs and a raw device: no error, nothing lost, and all resume within two seconds', async () => {
    await attach('ext4', 5, '--mount=/mnt/e', '--format')
    await attach('xfs', 6, '--mount=/mnt/x', '--fs=xfs', '--format')
    await attach('raw', 7)
    const writers = [
      await Writer.start(node, '/mnt/e/file'),
      await Writer.start(node, '/mnt/x/file'),
      await Writer.start(node, '/dev/mapper/lunkeeper-raw'),
    ]
    await outage()
    await target.enable()
    const back = performance.now()
    const pauses = await Promise.all(
      writers.map(async (writer) => {
        await writer.resumes(20_000, 1)
        return performance.now() - back
      }),
    )
    process.stderr.write(`${debian}: on again after ${pauses.map((ms) => Math.round(ms)).join(', ')} ms\n`)
    expect(Math.max(...pauses)).toBeLessThan(BACK)
    for (const writer of writers) {
      await writer.resumes(5_000, 20)
      await writer.stop()
      expect(writer.errors).toBe(0)
      expect(writer.longest).toBeGreaterThan(MINUTE)
      expect(await writer.check()).toBe('all there')
    }
    await detached('ext4', 'xfs', 'raw')
  })

  it('another volume answers after a minute: it gets not one byte, and the right one resumes', async () => {
    await attach('ext4', 5, '--mount=/mnt/e', '--format')
    const writer = await Writer.start(node, '/mnt/e/file')
    await outage()
    await target.unmap(5, { keep: true })
    await target.map(5, { serial: 'bbbb5', bytes: BYTES, name: 'foreign' })
    const foreign = await target.hash(5)
    await target.enable()
    await agent.errors(/is (?:not )?the expected volume/)
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    expect(await target.hash(5)).toBe(foreign)
    const findings = await lunkeeper(node).run(['doctor'])
    expect(findings.stdout).toContain('WRONG_VOLUME')
    await target.unmap(5, { keep: true })
    await target.map(5, { name: 'v5', bytes: BYTES })
    await writer.resumes(20_000, 20)
    await writer.stop()
    expect(writer.errors).toBe(0)
    expect(await writer.check()).toBe('all there')
    await detached('ext4')
  })
})

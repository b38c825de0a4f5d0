import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import type { Diagnosis } from '../../src/doctor/finding.ts'
import type { HistoryReport } from '../../src/state/view/history.ts'
import { onNode } from './fixtures.ts'
import { agentOn, lunkeeper } from './node.ts'
import { Writer } from './writer.ts'

const BYTES = 32 << 20
const VOLUMES = [0, 1, 2, 3]
/** One disk that a process has open, and one that is mounted in another mount namespace. */
const OPEN = 4
const ELSEWHERE = 5
const PHANTOMS = 64
/** Between two writes to one of them. */
const PAUSE_MS = 250
const LUNS = VOLUMES.length + 2 + PHANTOMS

describe('doctor --fix repairs a node that is in use', () => {
  const it = onNode({
    memory: 900,
    agent: true,
    // The command must make the repairs.
    launch: (node) => agentOn(node, '--repair', 'off'),
    luns: Array.from({ length: LUNS }, (_, lun) => ({ lun, serial: `cd${100 + lun}`, bytes: BYTES })),
  })

  async function doctor(node: LabNode, status: number, ...more: string[]): Promise<Diagnosis> {
    const ended = await lunkeeper(node).run(['doctor', ...more])
    expect(ended.code, `${ended.stderr}${ended.stdout}`).toBe(status)
    return JSON.parse(ended.stdout) as Diagnosis
  }

  const phantomLuns = async (node: LabNode) =>
    (await lunkeeper(node).sessions()).flatMap(({ disks }) =>
      disks.flatMap(({ owner, lun }) => (owner === 'phantom' ? [lun] : [])),
    )

  const diskOf = async (node: LabNode, lun: number) =>
    (await lunkeeper(node).sessions()).flatMap(({ disks }) => disks).find((one) => one.lun === lun)!.disk!

  it('doctor --fix removes 64 phantoms beside 4 volumes in use, and no I/O of those fails', async ({
    node,
    target,
    volume,
  }) => {
    for (const lun of VOLUMES) await volume.with({ lun, name: `v${lun}` }).mounted('--fs', 'ext4')
    const writers = await Promise.all(VOLUMES.map((lun) => Writer.start(node, `/mnt/v${lun}/file`, PAUSE_MS)))

    // A rescan adds all LUNs, whatever node.session.scan says; so does a login by another program.
    await node.sh('iscsiadm -m session --rescan')
    await node.until(async () => (await node.storage()).disks.length === LUNS, {
      deadline: 120_000,
      what: `${LUNS} disks`,
    })
    await node.sh('udevadm settle --timeout=120 || :', { deadline: 150_000 })

    const open = await node.start([
      'sh',
      '-c',
      `exec 3</dev/${await diskOf(node, OPEN)}; echo in; exec sleep 1000`,
    ])
    await open.output(/in/)
    const elsewhere = await diskOf(node, ELSEWHERE)
    await node.sh(`mkfs.ext4 -q /dev/${elsewhere}; mkdir -p /mnt/private`)
    const mounted = await node.start([
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      `mount /dev/${elsewhere} /mnt/private && echo in && exec sleep 1000`,
    ])
    await mounted.output(/in/)

    const found = (await doctor(node, 3)).findings.find(({ code }) => code === 'PHANTOMS')
    expect(found).toMatchObject({ severity: 'warning', evidence: { count: PHANTOMS + 1, iqn: target.iqn } })

    const dry = await doctor(node, 3, '--fix', '--dry-run')
    expect(dry.repairs).toMatchObject([{ code: 'PHANTOMS', done: false, error: null }])
    expect((await node.storage()).disks).toHaveLength(LUNS)

    // It was killed halfway, and is run again.
    await lunkeeper(node).run(['doctor', '--fix'], { LUNKEEPER_DIE_AT: 'delete-disk:after:10' })
    expect(await phantomLuns(node)).toHaveLength(PHANTOMS + 1 - 10)

    const fixed = await doctor(node, 3, '--fix')
    expect(fixed.repairs).toMatchObject([
      { code: 'PHANTOMS', done: true, action: expect.stringContaining(`${PHANTOMS - 10} of`), error: null },
      { code: 'PHANTOMS', done: false, error: expect.stringContaining('(sleep) has it open') },
    ])
    expect(await phantomLuns(node)).toEqual([OPEN])
    expect(await diskOf(node, ELSEWHERE)).toBe(elsewhere)

    await open.kill('SIGKILL')
    await open.exited
    const last = await doctor(node, 0, '--fix')
    expect(last.repairs).toMatchObject([{ code: 'PHANTOMS', done: true, error: null }])
    expect(await phantomLuns(node)).toEqual([])

    // Nothing is left to find, and nothing to do.
    expect(await doctor(node, 0)).toEqual({ findings: [] })
    expect(await doctor(node, 0, '--fix')).toEqual({ findings: [], repairs: [] })

    for (const writer of writers) {
      await writer.resumes(30_000)
      expect(writer.errors).toBe(0)
      await writer.stop()
    }
    expect((await lunkeeper(node).volumes()).map(({ state }) => state)).toEqual(VOLUMES.map(() => 'ready'))
    const ended = await lunkeeper(node).run(['history'])
    const { events } = JSON.parse(ended.stdout) as HistoryReport
    const names = events.map(({ event }) => event)
    expect(names.filter((name) => name === 'attached')).toHaveLength(VOLUMES.length)
    expect(names.filter((name) => name === 'repaired')).toHaveLength(3)
    expect(names).not.toContain('outage-began')
    await mounted.kill('SIGKILL')
    await mounted.exited
  })
})

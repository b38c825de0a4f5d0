import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { agentOn, kernels, lunkeeper } from './node.ts'
import { Writer } from './writer.ts'

const MIB = 1 << 20
const SIZE = 64 * MIB
const OURS = 'a11a0005'
const STRANGER = 'b22b0005'
/** For what the agent sees within seconds; generous, since the machine may be busy. */
const SEEN = 90_000

describe.each(kernels('bookworm'))('the agent checks which volume answers, on %s', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let agent: LabProcess

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian, memory: 640 })
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(5, { serial: OURS, bytes: SIZE, name: 'ours' })
    agent = await agentOn(node)
  })
  afterEach(async () => {
    await node.reset()
  })

  const flags = (lun = 5, name = 'db'): string[] => [
    '--portal',
    '127.0.0.1',
    '--iqn',
    target.iqn,
    '--lun',
    String(lun),
    '--name',
    name,
  ]
  const mounted = (name = 'db', lun = 5, ...more: string[]) =>
    lunkeeper(node).attach([...flags(lun, name), '--mount', `/mnt/${name}`, '--format', ...more])

  const state = (wanted: string, name = 'db') =>
    node.until(
      async () => (await lunkeeper(node).volumes()).find((one) => one.name === name)?.state === wanted,
      { deadline: SEEN, what: `${name} ${wanted}` },
    )

  async function swap(): Promise<void> {
    await target.unmap(5, { keep: true })
    await target.map(5, { serial: STRANGER, bytes: SIZE, name: 'stranger' })
  }
  async function putBack(): Promise<void> {
    await target.unmap(5, { keep: true })
    await target.map(5, { serial: OURS, bytes: SIZE, name: 'ours' })
  }

  it('a LUN swapped under an idle volume gets not one byte, and the volume goes on by itself', async () => {
    await mounted()
    await node.sh('echo kept > /mnt/db/file; sync')
    // A fresh ext4 writes by itself for a while; the journal is quiet after that.
    const written = () => node.sh("awk '{ print $3, $7 }' /sys/block/sda/stat")
    await node.until(
      async () => {
        const before = await written()
        await node.sh('sync; sleep 8')
        return (await written()) === before
      },
      { deadline: SEEN, what: 'a quiet file system' },
    )
    // The agent has seen the volume since.
    await node.sh('sleep 7')
    await swap()
    const before = await target.hash(5)
    await state('holding')
    await node.sh('echo more > /mnt/db/more')
    await putBack()
    await state('ready')
    await node.sh('sync -f /mnt/db')
    expect(await node.sh('cat /mnt/db/file /mnt/db/more')).toContain('kept\nmore')
    await lunkeeper(node).detach('db')
    await swap()
    expect(await target.hash(5)).toBe(before)
  })

  it('an idle volume whose LUN is unmapped is not asked without end', async () => {
    await mounted()
    await node.sh('sync')
    await target.unmap(5, { keep: true })
    await state('holding')
    const commands = async () =>
      node.sh('cat /sys/class/scsi_device/*/device/iorequest_cnt 2>/dev/null | tr "\\n" " "')
    const before = await commands()
    await node.sh('sleep 4')
    const after = await commands()
    const sum = (text: string) =>
      text
        .trim()
        .split(' ')
        .map(Number)
        .reduce((a, b) => a + b, 0)
    expect(sum(after) - sum(before)).toBeLessThan(200)
    await target.map(5, { serial: OURS, bytes: SIZE, name: 'ours' })
    await state('ready')
  })

  it('a path that the kernel fails is reinstated at once, though its session never was lost', async () => {
    await mounted()
    const writer = await Writer.start(node, '/mnt/db/file')
    await node.sh('dmsetup message lunkeeper-db 0 "fail_path 8:0"')
    await writer.goesOn(20_000, 5)
    await writer.stop()
    expect(writer.errors).toBe(0)
  })

  it('setting the clock ends no hold', async () => {
    await mounted('db', 5, '--hold', '600s')
    const writer = await Writer.start(node, '/mnt/db/file')
    await target.disable()
    await agent.errors(/all paths lost/)
    const before = (await lunkeeper(node).volumes())[0]!.hold
    await node.sh("date -s '+1 hour' >/dev/null")
    await node.sh('sleep 3')
    const volume = (await lunkeeper(node).volumes())[0]!
    expect(volume.state).toBe('holding')
    // The same time left, by the clock as it is now.
    expect(Date.parse(volume.hold.deadline!) - Date.parse(before.deadline!)).toBeGreaterThan(3_500_000)
    await node.sh("date -s '-1 hour' >/dev/null")
    await target.enable()
    await writer.goesOn(SEEN, 3)
    await writer.stop()
    expect(writer.errors).toBe(0)
  })
})

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

describe.each(kernels('bookworm'))('a misplaced volume comes back, on %s', (debian) => {
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

  it('a LUN swapped under a writer ends in the state misplaced, and the volume comes back checked', async () => {
    await mounted()
    const writer = await Writer.start(node, '/mnt/db/file')
    // A write between unmap and map would only be held.
    await writer.pause()
    await swap()
    await writer.resume()
    await writer.fails(SEEN)
    await agent.errors(/is another volume[^]*may have gone/, SEEN)
    await state('misplaced')
    const after = await target.hash(5)
    const refused = await lunkeeper(node).fails(['detach', 'db'], 'IDENTITY_MISMATCH')
    expect(refused.stderr).toContain('--force')
    await writer.stop()
    await putBack()
    await state('ready')
    expect(await node.sh('touch /mnt/db/again && sync -f /mnt/db && echo written')).toContain('written')
    await lunkeeper(node).detach('db')
    await swap()
    expect(await target.hash(5)).toBe(after)
  })
})

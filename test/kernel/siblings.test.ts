import { describe, expect } from 'vitest'

import { Appender } from './appender.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'

const MIB = 1 << 20

describe('volumes of one target do not disturb each other', () => {
  const it = onNode({ memory: 1024 })
  const luns = (count: number) =>
    Array.from({ length: count }, (_, lun) => ({ lun, serial: `serial${lun}`, bytes: 32 * MIB }))

  it('detach of one volume causes the writer of the other no error, and detach of the second ends the session', async ({
    node,
    target,
    volume,
  }) => {
    await target.mapMany(luns(2))
    const keeper = lunkeeper(node)
    const source = (lun: number) => volume.with({ lun }).source
    const one = await keeper.attach([...source(0), '--mount', '/mnt/one', '--format'])
    const two = await keeper.attach([...source(1), '--mount', '/mnt/two', '--format'])
    expect(two.paths[0]!.session).toBe(one.paths[0]!.session)
    const writer = await Appender.start(node, '/mnt/two/log')
    const report = await keeper.detach(one.name)
    expect(report).toMatchObject({
      removed: { mounts: ['/mnt/one'], disks: ['sda'], sessions: [] },
      left: [],
    })
    await writer.more(3, 30_000)
    await writer.stop()
    expect(writer.hasFailed).toBe(false)
    expect((await keeper.detach(two.name)).removed.sessions).toEqual([one.paths[0]!.session])
    await expectNothingLeft(node)
  })

  it('four programs attach and detach 16 volumes at once, twice over, and nothing is left', async ({
    node,
    target,
  }) => {
    await target.mapMany(luns(16))
    await node.write('/tmp/four.mjs', PROGRAM)
    const programs = [0, 4, 8, 12].map((first) =>
      node.run(['node', '/tmp/four.mjs', target.iqn, String(first)], { deadline: 150_000 }),
    )
    const ended = await Promise.all(programs)
    for (const { code, stderr } of ended) expect(code, stderr).toBe(0)
    // No program saw another program's disk, and there was never more than one session.
    const seen = ended.flatMap(({ stdout }) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Seen),
    )
    expect(seen).toHaveLength(32)
    for (const { lun, serial } of seen) expect(serial).toBe(`serial${lun}`)
    await expectNothingLeft(node)
  })
})

interface Seen {
  readonly lun: number
  readonly serial: string
}

/** Attaches four volumes at once through the library, then detaches them; twice. */
const PROGRAM = `
import { attach, detach, openHost } from '/lab/project/dist/index.js'
const [iqn, first] = process.argv.slice(2)
await using host = openHost()
const luns = [0, 1, 2, 3].map((n) => Number(first) + n)
for (let round = 0; round < 2; round++)
  await Promise.all(luns.map(async (lun) => {
    const { name, identity } = await attach(host, { portal: '127.0.0.1', iqn, lun, hold: '60s', holdMode: 'auto' })
    console.log(JSON.stringify({ lun, serial: identity.serial }))
    await detach(host, name)
  }))
`

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'

const MIB = 1 << 20

describe('volumes of one target do not disturb each other', () => {
  let lab: Lab
  let node: LabNode

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ memory: 1024 })
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  async function target(count: number) {
    const made = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await made.mapMany(
      Array.from({ length: count }, (_, lun) => ({ lun, serial: `serial${lun}`, bytes: 32 * MIB })),
    )
    return made
  }

  it("detaching one leaves the other's writer without an error; detaching the second ends the session", async () => {
    const { iqn } = await target(2)
    const keeper = lunkeeper(node)
    const flags = (lun: number) => ['--portal', '127.0.0.1', '--iqn', iqn, '--lun', String(lun)]
    const one = await keeper.attach([...flags(0), '--mount', '/mnt/one', '--format'])
    const two = await keeper.attach([...flags(1), '--mount', '/mnt/two', '--format'])
    expect(two.paths[0]!.session).toBe(one.paths[0]!.session)
    const writer = await node.start(['bash', '-c', WRITER, 'writer', '/mnt/two/log'])
    await writer.output(/written/, 30_000)
    const report = await keeper.detach(one.name)
    expect(report).toMatchObject({
      removed: { mounts: ['/mnt/one'], disks: ['sda'], sessions: [] },
      left: [],
    })
    const lines = writer.stdout.length
    await writer.output(new RegExp(`^[^]{${lines + 20},}`), 30_000)
    await writer.kill('SIGTERM')
    await writer.exited
    expect(writer.stdout).not.toContain('failed')
    expect((await keeper.detach(two.name)).removed.sessions).toEqual([one.paths[0]!.session])
    await expectNothingLeft(node)
  })

  it('four programs attach and detach 16 volumes at once, twice over, and nothing is left', async () => {
    const { iqn } = await target(16)
    await node.write('/tmp/four.mjs', PROGRAM)
    const programs = [0, 4, 8, 12].map((first) =>
      node.run(['node', '/tmp/four.mjs', iqn, String(first)], { deadline: 150_000 }),
    )
    const ended = await Promise.all(programs)
    for (const { code, stderr } of ended) expect(code, stderr).toBe(0)
    // Nobody saw a disk of somebody else, and at no time did more than one session stand.
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

/** Appends and syncs, and says so, until it is told to stop. */
const WRITER = `
trap 'exit 0' TERM
while :; do
  echo line >> "$1" && sync "$1" && echo written || echo failed
done`

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
    node = await lab.boot({ memory: 768 })
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  async function target(count: number) {
    const made = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await made.mapMany(Array.from({ length: count }, (_, lun) => ({ lun, serial: `serial${lun}`, bytes: 32 * MIB })))
    return made
  }

  it('detaching one leaves the other\'s writer without an error; detaching the second ends the session', async () => {
    const { iqn } = await target(2)
    const keeper = lunkeeper(node)
    const flags = (lun: number) => ['--portal', '127.0.0.1', '--iqn', iqn, '--lun', String(lun)]
    const one = await keeper.attach([...flags(0), '--mount', '/mnt/one', '--format'])
    const two = await keeper.attach([...flags(1), '--mount', '/mnt/two', '--format'])
    expect(two.paths[0]!.session).toBe(one.paths[0]!.session)
    const writer = await node.start(['bash', '-c', WRITER, 'writer', '/mnt/two/log'])
    await writer.output(/written/, 30_000)
    const report = await keeper.detach(one.name)
    expect(report).toMatchObject({ removed: { mounts: ['/mnt/one'], disks: ['sda'], sessions: [] }, left: [] })
    const lines = writer.stdout.length
    await writer.output(new RegExp(`^[^]{${lines + 20},}`), 30_000)
    writer.kill('SIGTERM')
    await writer.exited
    expect(writer.stdout).not.toContain('failed')
    expect((await keeper.detach(two.name)).removed.sessions).toEqual([one.paths[0]!.session])
    await expectNothingLeft(node)
  })

  it('16 programs attach and detach 16 volumes at once, and nothing is left', async () => {
    const { iqn } = await target(16)
    const luns = Array.from({ length: 16 }, (_, lun) => lun)
    const volumes = await Promise.all(
      luns.map((lun) => lunkeeper(node).attach(['--portal', '127.0.0.1', '--iqn', iqn, '--lun', String(lun)])),
    )
    expect(new Set(volumes.map(({ device }) => device)).size).toBe(16)
    expect(new Set(volumes.map(({ paths }) => paths[0]!.session)).size).toBe(1)
    expect((await node.storage()).disks).toHaveLength(16)
    // The second round begins before the first has ended: sessions end and are needed again.
    await Promise.all(
      volumes.map(async ({ name, paths }) => {
        await lunkeeper(node).detach(name)
        if (paths[0]!.lun % 2 === 0) return
        const again = await lunkeeper(node).attach(['--portal', '127.0.0.1', '--iqn', iqn, '--lun', String(paths[0]!.lun)])
        await lunkeeper(node).detach(again.name)
      }),
    )
    await expectNothingLeft(node)
  })
})

/** Appends and syncs, and says so, until it is told to stop. */
const WRITER = `
trap 'exit 0' TERM
while :; do
  echo line >> "$1" && sync "$1" && echo written || echo failed
done`

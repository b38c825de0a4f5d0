import { beforeEach, describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import type { VolumeStatus } from '../../src/model/attachment.ts'
import { Appender } from './appender.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { isEverything, lunkeeper } from './node.ts'
import { expectCleanDetach, Volume } from './volume.ts'

const MIB = 1 << 20
const OLD = 320 * MIB
const NEW = 448 * MIB

describe('expand takes over the new size of a LUN', () => {
  const it = onNode({
    multipathd: true,
    memory: 1024,
    luns: [{ lun: 5, serial: 'a1', bytes: OLD }],
    volume: { mount: '/mnt/v' },
  })
  // Forgets what multipathd has learned about the volumes of the previous test.
  beforeEach<NodeFixtures>(({ node }) => node.sh('multipath -W >/dev/null 2>&1 || true'))

  const expand = (node: LabNode) => lunkeeper(node).run(['expand', 'db'])

  async function grown(node: LabNode, from = OLD, to = NEW): Promise<void> {
    const ended = await expand(node)
    expect(ended.code, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({
      state: 'ready',
      identity: { bytes: to },
      expanded: { from, to },
    })
  }

  /** Bytes of a block device. */
  const size = async (node: LabNode, device: string) =>
    Number(await node.sh(`blockdev --getsize64 ${device}`))
  /** Bytes of the mounted file system. */
  const room = async (node: LabNode) =>
    Number(await node.sh(`stat -f -c '%b %S' /mnt/v | { read b s; echo $((b * s)); }`))

  it('a raw disk grows, and no other disk does', async ({ node, target, volume }) => {
    await target.map(6, { serial: 'b2', bytes: OLD })
    const { device } = await volume.attach()
    const other = await volume.with({ lun: 6, name: 'other' }).attach()
    await target.resize(5, NEW)
    await target.resize(6, NEW)
    await grown(node)
    expect(await size(node, device!)).toBe(NEW)
    expect(await size(node, other.device!)).toBe(OLD)
    await grown(node, NEW)
  })

  it.for(['ext4', 'xfs'])('%s grows while a program writes to it', async (fs, { node, target, volume }) => {
    await volume.mounted('--fs', fs)
    const before = await room(node)
    const writer = await Appender.start(node, '/mnt/v/log')
    await target.resize(5, NEW)
    await grown(node)
    expect(await room(node)).toBeGreaterThan(before + 0.8 * (NEW - OLD))
    await writer.stop()
    expect(writer.hasFailed).toBe(false)
    await expectCleanDetach(volume)
  })

  it('a read-only volume takes its new size and writes nothing', async ({ node, target, volume }) => {
    await volume.mounted()
    await volume.detach()
    await volume.again('--read-only')
    await target.resize(5, NEW)
    const before = await target.hash(5)
    await grown(node)
    expect(await target.hash(5)).toBe(before)
  })

  it.for([
    'rescan:before:1',
    'rescan:after:2',
    'resize-map:after',
    'grow:after',
    // The same as after the step before it.
    ...(isEverything ? ['rescan:after:1', 'rescan:before:2', 'resize-map:before', 'grow:before'] : []),
  ])(
    'an expand of two paths, a map and ext4 that is killed at %s is completed by the next one',
    async (death, { node }) => {
      const portals = ['127.0.0.1', '127.0.0.2']
      const target = await node.lio.target({ portals: portals.map((portal) => `${portal}:3260`) })
      await target.map(5, { serial: `c${death.length}`, bytes: OLD })
      const volume = new Volume(node, target, { portals, mount: '/mnt/v' })
      const { device, paths } = await volume.mounted()
      const before = await room(node)
      await target.resize(5, NEW)
      const died = await lunkeeper(node).run(['expand', 'db'], { LUNKEEPER_DIE_AT: death })
      expect(died).toMatchObject({ code: null, signal: 'SIGKILL' })
      await grown(node)
      for (const path of [device!, ...paths.map(({ disk }) => `/dev/${disk}`)])
        expect(await size(node, path)).toBe(NEW)
      expect(await room(node)).toBeGreaterThan(before + 0.8 * (NEW - OLD))
      await expectCleanDetach(volume)
    },
  )

  it('a LUN that shrank is refused, and nothing changes', async ({ node, target, volume }) => {
    const { device } = await volume.mounted()
    await target.resize(5, OLD / 2)
    await lunkeeper(node).fails(['expand', 'db'], 'SHRUNK')
    expect(await size(node, device!)).toBe(OLD)
    await node.sh('echo fine > /mnt/v/file; sync /mnt/v/file')
  })

  it('another volume at the LUN is refused, and its size is not taken over', async ({
    node,
    target,
    volume,
  }) => {
    const { device } = await volume.attach()
    await target.unmap(5)
    await target.map(5, { serial: 'd4', bytes: NEW })
    await lunkeeper(node).fails(['expand', 'db'], 'IDENTITY_MISMATCH')
    expect(await size(node, device!)).toBe(OLD)
  })

  it.for(['before it is looked at', 'between the look and the rescan'])(
    'a LUN that is unmapped %s keeps the size of its disk, and its file system works on when it is back',
    async (when, { node, target, volume }) => {
      // Background writes of the file system would meet the missing LUN and abort the file system.
      const still = ['noinit_itable', 'no_prefetch_block_bitmaps', 'commit=300'].flatMap((option) => [
        '--mount-option',
        option,
      ])
      await node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs')
      const { device } = await volume.mounted(...still)
      const { name } = target.luns[0]!
      await node.sh('sync -f /mnt/v')
      const unmap = () => target.unmap(5, { keep: true })
      if (when.startsWith('before')) {
        await unmap()
        await lunkeeper(node).fails(['expand', 'db'], 'LUN_ABSENT')
      } else {
        await target.resize(5, NEW)
        await paused(node, unmap)
      }
      expect(await size(node, device!)).toBe(OLD)
      await target.map(5, { name, bytes: NEW })
      await target.resize(5, NEW)
      await grown(node)
      await node.sh('echo fine > /mnt/v/file; sync /mnt/v/file')
      await node.sh('echo 500 > /proc/sys/vm/dirty_writeback_centisecs')
    },
  )

  /** Expands, and does something just before the disk is told to read its size. */
  async function paused(node: LabNode, meanwhile: () => Promise<void>): Promise<VolumeStatus | null> {
    await node.write('/tmp/expand.mjs', PAUSED)
    const process = await node.start(['node', '/tmp/expand.mjs'])
    await process.output(/rescan/, 30_000)
    await meanwhile()
    await process.write('continue\n')
    await process.exited
    expect(process.stdout).toContain('LUN_ABSENT')
    return null
  }
})

const PAUSED = `
import { once } from 'node:events'
import { expand, openHost } from '/lab/project/dist/index.js'
await using host = openHost()
const onStep = async ({ step, state }) => {
  if (step !== 'rescan' || state !== 'begin') return
  console.log(step)
  await once(process.stdin, 'data')
  process.stdin.unref()
}
await expand(host, 'db', { onStep }).catch(({ code }) => console.log(code))
process.exit()
`

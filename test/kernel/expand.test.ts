import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { VolumeStatus } from '../../src/model/attachment.ts'
import { expectNothingLeft, isEverything, lunkeeper } from './node.ts'

const MIB = 1 << 20
const OLD = 320 * MIB
const NEW = 448 * MIB

describe('a LUN that grew on its target', () => {
  let lab: Lab
  let node: LabNode
  let target: Target
  let flags: string[]

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ multipathd: true, memory: 1024 })
  })
  afterAll(() => lab?.close())
  afterEach(async () => {
    await node.reset()
    await node.sh('rm -rf /dev/shm/luns; multipath -W >/dev/null 2>&1 || true')
  })

  async function make({ portals = ['127.0.0.1'], serial = 'a1' } = {}): Promise<void> {
    target = await node.lio.target({ portals: portals.map((portal) => `${portal}:3260`) })
    await target.map(5, { serial, bytes: OLD })
    flags = [
      ...portals.flatMap((portal) => ['--portal', portal]),
      '--iqn',
      target.iqn,
      '--lun',
      '5',
      '--name',
      'db',
    ]
  }

  const expand = () => lunkeeper(node).run(['expand', 'db'])

  async function grown(from = OLD, to = NEW): Promise<void> {
    const ended = await expand()
    expect(ended.code, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({
      state: 'ready',
      identity: { bytes: to },
      expanded: { from, to },
    })
  }

  /** Bytes of a block device. */
  const size = async (device: string) => Number(await node.sh(`blockdev --getsize64 ${device}`))
  /** Bytes of the mounted file system. */
  const room = async () => Number(await node.sh(`stat -f -c '%b %S' /mnt/v | { read b s; echo $((b * s)); }`))

  it('raw: the disk, and only that disk', async () => {
    await make()
    await target.map(6, { serial: 'b2', bytes: OLD })
    const { device } = await lunkeeper(node).attach(flags)
    const other = await lunkeeper(node).attach([...flags.with(5, '6').slice(0, -1), 'other'])
    await target.resize(5, NEW)
    await target.resize(6, NEW)
    await grown()
    expect(await size(device!)).toBe(NEW)
    expect(await size(other.device!)).toBe(OLD)
    await grown(NEW)
  })

  it.each(['ext4', 'xfs'])('%s grows while somebody writes to it', async (fs) => {
    await make()
    await lunkeeper(node).attach([...flags, '--mount', '/mnt/v', '--fs', fs, '--format'])
    const before = await room()
    const writer = await node.start(['bash', '-c', WRITER, 'writer', '/mnt/v/log'])
    await writer.output(/written/, 30_000)
    await target.resize(5, NEW)
    await grown()
    expect(await room()).toBeGreaterThan(before + 0.8 * (NEW - OLD))
    await writer.kill('SIGTERM')
    await writer.exited
    expect(writer.stdout).not.toContain('failed')
    await lunkeeper(node).detach('db')
    await expectNothingLeft(node)
  })

  it('a read-only volume takes its new size and writes nothing', async () => {
    await make()
    const keeper = lunkeeper(node)
    await keeper.attach([...flags, '--mount', '/mnt/v', '--format'])
    await keeper.detach('db')
    await keeper.attach([...flags, '--mount', '/mnt/v', '--read-only'])
    await target.resize(5, NEW)
    const before = await target.hash(5)
    await grown()
    expect(await target.hash(5)).toBe(before)
  })

  it.each([
    'rescan:before:1',
    'rescan:after:2',
    'resize-map:after',
    'grow:after',
    // As after the step before it.
    ...(isEverything ? ['rescan:after:1', 'rescan:before:2', 'resize-map:before', 'grow:before'] : []),
  ])('two paths, a map and ext4, killed at %s: once more, and all of it has grown', async (death) => {
    await make({ portals: ['127.0.0.1', '127.0.0.2'], serial: `c${death.length}` })
    const { device, paths } = await lunkeeper(node).attach([...flags, '--mount', '/mnt/v', '--format'])
    const before = await room()
    await target.resize(5, NEW)
    const died = await lunkeeper(node).run(['expand', 'db'], { LUNKEEPER_DIE_AT: death })
    expect(died).toMatchObject({ code: null, signal: 'SIGKILL' })
    await grown()
    for (const path of [device!, ...paths.map(({ disk }) => `/dev/${disk}`)])
      expect(await size(path)).toBe(NEW)
    expect(await room()).toBeGreaterThan(before + 0.8 * (NEW - OLD))
    await lunkeeper(node).detach('db')
    await expectNothingLeft(node)
  })

  it('one that shrank is refused, and nothing changes', async () => {
    await make()
    const { device } = await lunkeeper(node).attach([...flags, '--mount', '/mnt/v', '--format'])
    await target.resize(5, OLD / 2)
    await lunkeeper(node).fails(['expand', 'db'], 'SHRUNK')
    expect(await size(device!)).toBe(OLD)
    await node.sh('echo fine > /mnt/v/file; sync /mnt/v/file')
  })

  it('another volume at the LUN is refused, and its size is not taken over', async () => {
    await make()
    const { device } = await lunkeeper(node).attach(flags)
    await target.unmap(5)
    await target.map(5, { serial: 'd4', bytes: NEW })
    await lunkeeper(node).fails(['expand', 'db'], 'IDENTITY_MISMATCH')
    expect(await size(device!)).toBe(OLD)
  })

  it.each(['before it is looked at', 'between the look and the rescan'])(
    'a LUN that is unmapped %s keeps the size of its disk, and its file system works on when it is back',
    async (when) => {
      await make()
      // Its background work would run into the missing LUN, and end the file system by itself.
      const still = ['noinit_itable', 'no_prefetch_block_bitmaps', 'commit=300'].flatMap((option) => [
        '--mount-option',
        option,
      ])
      await node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs')
      const volume = await lunkeeper(node).attach([...flags, '--mount', '/mnt/v', '--format', ...still])
      const { name } = target.luns[0]!
      await node.sh('sync -f /mnt/v')
      const unmap = () => target.unmap(5, { keep: true })
      if (when.startsWith('before')) {
        await unmap()
        await lunkeeper(node).fails(['expand', 'db'], 'LUN_ABSENT')
      } else {
        await target.resize(5, NEW)
        await paused(unmap)
      }
      expect(await size(volume.device!)).toBe(OLD)
      await target.map(5, { name, bytes: NEW })
      await target.resize(5, NEW)
      await grown()
      await node.sh('echo fine > /mnt/v/file; sync /mnt/v/file')
      await node.sh('echo 500 > /proc/sys/vm/dirty_writeback_centisecs')
    },
  )

  /** Expands, and does something just before the disk is told to look at its size. */
  async function paused(meanwhile: () => Promise<void>): Promise<VolumeStatus | null> {
    await node.write('/tmp/expand.mjs', PAUSED)
    const process = await node.start(['node', '/tmp/expand.mjs'])
    await process.output(/rescan/, 30_000)
    await meanwhile()
    await process.write('go on\n')
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

/** Appends and syncs, and says so, until it is told to stop. */
const WRITER = `
trap 'exit 0' TERM
while :; do
  echo line >> "$1" && sync "$1" && echo written || echo failed
done`

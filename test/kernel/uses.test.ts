import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target, TargetOptions } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, isEverything, kernels, lunkeeper } from './node.ts'

// mkfs.xfs makes nothing smaller than 300 MB since xfsprogs 5.19.
const BYTES = 320 << 20

let node: LabNode
let target: Target
let flags: string[]

/** A machine of its own for the tests of one block. */
function boots(debian: 'bookworm' | 'trixie'): void {
  let lab: Lab
  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
  })
  afterAll(() => lab?.close())
  afterEach(async () => {
    await node.reset()
    await node.remove('/dev/shm/luns')
  })
}

async function make(options: TargetOptions = {}, readOnly = false): Promise<void> {
  target = await node.lio.target(options)
  await target.map(5, { serial: 'a5e5', bytes: BYTES, readOnly })
  flags = ['--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5', '--name', 'db']
}

async function detached(): Promise<void> {
  expect((await lunkeeper(node).detach('db')).left).toEqual([])
  await expectNothingLeft(node)
}

const options = async () => (await node.sh('findmnt -no OPTIONS /mnt/v')).split(',')

describe('ways to use a volume', () => {
  boots('bookworm')

  it('raw: what is written to the device is on the volume after detach', async () => {
    await make()
    const { device, mount, fs } = await lunkeeper(node).attach(flags)
    expect({ mount, fs }).toEqual({ mount: null, fs: null })
    // Left in memory by a writer that does not sync.
    await node.sh(`printf written | dd of=${device} bs=1M seek=7 conv=notrunc status=none`)
    await detached()
    expect((await target.bytes(5, 7 << 20, 7)).toString()).toBe('written')
  })

  it.each(['ext4', 'xfs'])('%s: made once, and there again after detach and attach', async (fs) => {
    await make()
    const keeper = lunkeeper(node)
    const asked = [...flags, '--mount', '/mnt/v', '--fs', fs]
    await keeper.fails(['attach', ...asked], 'NO_FILESYSTEM')
    await expectNothingLeft(node)
    expect(await keeper.attach([...asked, '--format'])).toMatchObject({
      mount: '/mnt/v',
      fs,
      state: 'ready',
    })
    await node.sh('echo kept > /mnt/v/file')
    await detached()
    expect(await keeper.attach(asked)).toMatchObject({ mount: '/mnt/v', fs })
    expect(await node.read('/mnt/v/file')).toBe('kept\n')
    await detached()
    // What is there is found out where nobody says it; and never taken for something else.
    expect(await keeper.attach(asked.slice(0, -2))).toMatchObject({ fs })
    await detached()
    const before = await target.hash(5)
    const other = fs === 'xfs' ? 'ext4' : 'xfs'
    await keeper.fails(['attach', ...asked.slice(0, -1), other], 'FS_MISMATCH')
    await keeper.fails(['attach', ...asked, '--format'], 'NOT_BLANK')
    await expectNothingLeft(node)
    expect(await target.hash(5)).toBe(before)
  })

  it('raw and read-only: not one byte can be written', async () => {
    await make()
    const { device, readOnly } = await lunkeeper(node).attach([...flags, '--read-only'])
    expect(readOnly).toBe(true)
    const before = await target.hash(5)
    const wrote = await node.run(['sh', '-c', `echo no > ${device}`])
    expect(wrote.code).not.toBe(0)
    await detached()
    expect(await target.hash(5)).toBe(before)
  })

  it('a LUN that the target lets this node only read is refused for writing, and used with --read-only', async () => {
    await make({ acls: [{ initiator: node.initiator }] }, true)
    const keeper = lunkeeper(node)
    await keeper.fails(['attach', ...flags], 'WRITE_PROTECTED')
    await keeper.fails(['attach', ...flags, '--mount', '/mnt/v'], 'WRITE_PROTECTED')
    await expectNothingLeft(node)
    expect(await keeper.attach([...flags, '--read-only'])).toMatchObject({ readOnly: true })
    await detached()
  })

  it('mount options are used as given; a wrong one leaves nothing behind', async () => {
    await make()
    const keeper = lunkeeper(node)
    const asked = [...flags, '--mount', '/mnt/v']
    await keeper.attach([...asked, '--format'])
    await detached()
    await keeper.fails(['attach', ...asked, '--mount-option', 'nonsense'], 'MOUNT_FAILED')
    await expectNothingLeft(node)
    const chosen = [...asked, '--mount-option', 'noatime', '--mount-option', 'nosuid,nodev']
    const first = await keeper.attach(chosen)
    expect(await options()).toEqual(expect.arrayContaining(['rw', 'noatime', 'nosuid', 'nodev']))
    expect(await keeper.attach(chosen)).toEqual(first)
    await keeper.fails(['attach', ...asked, '--mount-option', 'noexec'], 'CONFLICT')
    await detached()
  })

  it('a mount point that was there stays; one that was made goes, with the directories above it', async () => {
    await make()
    await node.mkdir('/mnt/there')
    await lunkeeper(node).attach([...flags, '--mount', '/mnt/there', '--format'])
    await lunkeeper(node).detach('db')
    expect(await node.list('/mnt')).toEqual(['there'])
    await lunkeeper(node).attach([...flags, '--mount', '/mnt/there/below/deep'])
    await lunkeeper(node).detach('db')
    expect(await node.list('/mnt/there')).toEqual([])
  })
})

// Kernels differ in how a file system is mounted without being written to.
describe.each(kernels('trixie'))('read-only (%s)', (debian) => {
  boots(debian)

  it.each([['ext4', 'noload'], ...(isEverything ? [['xfs', 'norecovery'] as const] : [])] as const)(
    '%s, read-only: not one byte is written, not even of a journal that has something left over',
    async (fs, option) => {
      await make()
      const keeper = lunkeeper(node)
      const asked = [...flags, '--mount', '/mnt/v']
      await keeper.attach([...asked, '--fs', fs, '--format'])
      await node.sh('echo clean > /mnt/v/file')
      await detached()
      const clean = await target.hash(5)
      expect(await keeper.attach([...asked, '--read-only'])).toMatchObject({ readOnly: true, fs })
      expect(await node.read('/mnt/v/file')).toBe('clean\n')
      expect((await node.run(['touch', '/mnt/v/new'])).code).not.toBe(0)
      expect(await options()).toContain('ro')
      await keeper.fails(['attach', ...asked], 'CONFLICT')
      await detached()
      expect(await target.hash(5)).toBe(clean)
      // Torn away in use: its journal has something left over.
      await keeper.attach(asked)
      await node.sh(
        'mkdir /mnt/v/a && echo more > /mnt/v/a/b && sync -f /mnt/v; mkdir /mnt/v/c; sync /mnt/v/c',
      )
      await target.disable()
      await keeper.run(['detach', 'db', '--force'])
      await target.enable()
      const torn = await target.hash(5)
      const ended = await keeper.fails(['attach', ...asked, '--read-only'], 'MOUNT_FAILED')
      expect(ended.stderr).toContain(option)
      await expectNothingLeft(node)
      expect(await target.hash(5)).toBe(torn)
      await keeper.attach([...asked, '--read-only', '--mount-option', option])
      await detached()
      expect(await target.hash(5)).toBe(torn)
      // And read-write it mends itself.
      await keeper.attach(asked)
      expect(await node.read('/mnt/v/a/b')).toBe('more\n')
      await detached()
    },
  )
})

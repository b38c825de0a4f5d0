import { describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, isEverything, kernels, lunkeeper } from './node.ts'
import { expectCleanDetach, Volume } from './volume.ts'

// Since xfsprogs 5.19, mkfs.xfs refuses less than 300 MB.
const BYTES = 320 << 20

const LUN = { lun: 5, serial: 'a5e5', bytes: BYTES }
const USED = { luns: [LUN], volume: { mount: '/mnt/v' } }

const options = async (node: LabNode) => (await node.sh('findmnt -no OPTIONS /mnt/v')).split(',')

describe('a volume can be used in several ways', () => {
  const it = onNode(USED)

  it('a raw volume has what was written to the device after detach', async ({ node, target, volume }) => {
    const { device, mount, fs } = await volume.attach()
    expect({ mount, fs }).toEqual({ mount: null, fs: null })
    // Left in memory by a writer that does not sync.
    await node.sh(`printf written | dd of=${device} bs=1M seek=7 conv=notrunc status=none`)
    await expectCleanDetach(volume)
    expect((await target.bytes(5, 7 << 20, 7)).toString()).toBe('written')
  })

  it.for(['ext4', 'xfs'])(
    '%s is created once, and there again after detach and attach',
    async (fs, { node, target, volume }) => {
      await volume.refused('NO_FILESYSTEM', '--mount', '/mnt/v', '--fs', fs)
      await expectNothingLeft(node)
      expect(await volume.mounted('--fs', fs)).toMatchObject({
        mount: '/mnt/v',
        fs,
        state: 'ready',
      })
      await node.sh('echo kept > /mnt/v/file')
      await expectCleanDetach(volume)
      expect(await volume.again('--fs', fs)).toMatchObject({ mount: '/mnt/v', fs })
      expect(await node.read('/mnt/v/file')).toBe('kept\n')
      await expectCleanDetach(volume)
      // Without --fs the file system is detected, and is never taken for another one.
      expect(await volume.again()).toMatchObject({ fs })
      await expectCleanDetach(volume)
      const before = await target.hash(5)
      const other = fs === 'xfs' ? 'ext4' : 'xfs'
      await volume.refused('FS_MISMATCH', '--mount', '/mnt/v', '--fs', other)
      await volume.refused('NOT_BLANK', '--mount', '/mnt/v', '--fs', fs, '--format')
      await expectNothingLeft(node)
      expect(await target.hash(5)).toBe(before)
    },
  )

  it('a raw volume that is read-only takes no byte', async ({ node, target, volume }) => {
    const { device, readOnly } = await volume.attach('--read-only')
    expect(readOnly).toBe(true)
    const before = await target.hash(5)
    const wrote = await node.run(['sh', '-c', `echo no > ${device}`])
    expect(wrote.code).not.toBe(0)
    await expectCleanDetach(volume)
    expect(await target.hash(5)).toBe(before)
  })

  it('a LUN that the target makes read-only is refused for writing, and used with --read-only', async ({
    node,
  }) => {
    const target = await node.lio.target({ acls: [{ initiator: node.initiator }] })
    await target.mapMany([{ ...LUN, readOnly: true }])
    const volume = new Volume(node, target)
    await volume.refused('WRITE_PROTECTED')
    await volume.refused('WRITE_PROTECTED', '--mount', '/mnt/v')
    await expectNothingLeft(node)
    expect(await volume.attach('--read-only')).toMatchObject({ readOnly: true })
    await expectCleanDetach(volume)
  })

  it('mount options are used as given, and a wrong one leaves nothing behind', async ({ node, volume }) => {
    await volume.mounted()
    await expectCleanDetach(volume)
    await volume.refused('MOUNT_FAILED', '--mount', '/mnt/v', '--mount-option', 'nonsense')
    await expectNothingLeft(node)
    const chosen = ['--mount-option', 'noatime', '--mount-option', 'nosuid,nodev']
    const first = await volume.again(...chosen)
    expect(await options(node)).toEqual(expect.arrayContaining(['rw', 'noatime', 'nosuid', 'nodev']))
    expect(await volume.again(...chosen)).toEqual(first)
    await volume.refused('CONFLICT', '--mount', '/mnt/v', '--mount-option', 'noexec')
    await expectCleanDetach(volume)
  })

  it('a mount point that was there stays, and one that was created goes with the directories above it', async ({
    node,
    volume,
  }) => {
    await node.mkdir('/mnt/there')
    await volume.attach('--mount', '/mnt/there', '--format')
    await volume.detach()
    expect(await node.list('/mnt')).toEqual(['there'])
    await volume.attach('--mount', '/mnt/there/below/deep')
    await volume.detach()
    expect(await node.list('/mnt/there')).toEqual([])
  })
})

// Kernels differ in how a file system is mounted without being written to.
describe.each(kernels('trixie'))('a read-only mount writes nothing (%s)', (debian) => {
  const it = onNode({ debian, ...USED })

  it.for([['ext4', 'noload'], ...(isEverything ? [['xfs', 'norecovery'] as const] : [])] as const)(
    'a read-only mount of %s writes no byte, even when its journal has to be replayed',
    async ([fs, option], { node, target, volume }) => {
      await volume.mounted('--fs', fs)
      await node.sh('echo clean > /mnt/v/file')
      await expectCleanDetach(volume)
      const clean = await target.hash(5)
      expect(await volume.again('--read-only')).toMatchObject({ readOnly: true, fs })
      expect(await node.read('/mnt/v/file')).toBe('clean\n')
      expect((await node.run(['touch', '/mnt/v/new'])).code).not.toBe(0)
      expect(await options(node)).toContain('ro')
      await volume.refused('CONFLICT', '--mount', '/mnt/v')
      await expectCleanDetach(volume)
      expect(await target.hash(5)).toBe(clean)
      // Disconnected while in use: its journal must be replayed.
      await volume.again()
      await node.sh(
        'mkdir /mnt/v/a && echo more > /mnt/v/a/b && sync -f /mnt/v; mkdir /mnt/v/c; sync /mnt/v/c',
      )
      await target.disable()
      await lunkeeper(node).run(['detach', 'db', '--force'])
      await target.enable()
      const torn = await target.hash(5)
      const ended = await volume.refused('MOUNT_FAILED', '--mount', '/mnt/v', '--read-only')
      expect(ended.stderr).toContain(option)
      await expectNothingLeft(node)
      expect(await target.hash(5)).toBe(torn)
      await volume.again('--read-only', '--mount-option', option)
      await expectCleanDetach(volume)
      expect(await target.hash(5)).toBe(torn)
      // A read-write mount repairs it.
      await volume.again()
      expect(await node.read('/mnt/v/a/b')).toBe('more\n')
      await expectCleanDetach(volume)
    },
  )
})

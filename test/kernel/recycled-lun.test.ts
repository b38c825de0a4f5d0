import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'

const MIB = 1 << 20

describe('a LUN number that is used again for another volume', () => {
  let lab: Lab
  let node: LabNode

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot()
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  /** A session with a disk for LUN 5, as another tool left it; then LUN 5 becomes another volume. */
  async function recycled() {
    const target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(5, { serial: 'old', bytes: 64 * MIB })
    await node.sh(
      `iscsiadm -m node -o new -T ${target.iqn} -p 127.0.0.1 && iscsiadm -m node -T ${target.iqn} -p 127.0.0.1 -l`,
    )
    await node.until(async () => (await node.storage()).disks.length === 1, {
      deadline: 10_000,
      what: 'the old disk',
    })
    await target.unmap(5)
    await target.map(5, { serial: 'new', bytes: 64 * MIB })
    const flags = ['--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5']
    return { target, flags, blank: await target.hash(5) }
  }

  it('attach of the new volume gets the new one, not the stale disk', async () => {
    const { flags } = await recycled()
    const volume = await lunkeeper(node).attach([...flags, '--serial', 'new'])
    expect(volume.identity?.serial).toBe('new')
    // The kernel's own view is fresh too: links and caches that others rely on.
    const hctl = volume.paths[0]!.hctl
    expect(await node.sh(`tail -c +5 /sys/class/scsi_device/${hctl}/device/vpd_pg80 | tr -d '\\0'`)).toBe(
      'new',
    )
    await lunkeeper(node).detach(volume.name)
  })

  it('attach that expects the old identity refuses, and not one byte lands in the new volume', async () => {
    const { target, flags, blank } = await recycled()
    await lunkeeper(node).fails(
      ['attach', ...flags, '--serial', 'old', '--mount', '/mnt/v', '--format'],
      'IDENTITY_MISMATCH',
    )
    expect(await target.hash(5)).toBe(blank)
  })

  it('a stale disk that somebody has mounted is refused by name of its user, and left as it is', async () => {
    const target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(5, { serial: 'old', bytes: 64 * MIB })
    await node.sh(
      `iscsiadm -m node -o new -T ${target.iqn} -p 127.0.0.1 && iscsiadm -m node -T ${target.iqn} -p 127.0.0.1 -l
       until [ -b /dev/sda ]; do sleep 0.1; done; mkfs.ext4 -q /dev/sda && mkdir -p /mnt/old && mount /dev/sda /mnt/old`,
    )
    await target.unmap(5)
    await target.map(5, { serial: 'new', bytes: 64 * MIB })
    const blank = await target.hash(5)
    const ended = await lunkeeper(node).fails(
      ['attach', '--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5'],
      'STALE_DISK',
    )
    expect(ended.stderr).toContain('/mnt/old')
    expect((await node.storage()).disks).toHaveLength(1)
    expect(await target.hash(5)).toBe(blank)
  })

  it('a volume that was swapped under a mount is not unmounted into the other one', async () => {
    const target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    await target.map(5, { serial: 'a1', bytes: 64 * MIB })
    const keeper = lunkeeper(node)
    // Nothing is written out by itself while this test looks: neither by the journal nor by write-back.
    await node.sh('echo 0 > /proc/sys/vm/dirty_writeback_centisecs')
    const flags = [
      '--portal',
      '127.0.0.1',
      '--iqn',
      target.iqn,
      '--lun',
      '5',
      '--mount',
      '/mnt/v',
      '--format',
    ]
    const volume = await keeper.attach([...flags, '--mount-option', 'commit=300'])
    await node.sh('sync; echo unwritten > /mnt/v/file')
    await target.unmap(5)
    await target.map(5, { serial: 'b2', bytes: 64 * MIB })
    const blank = await target.hash(5)
    await keeper.fails(['detach', volume.name], 'IDENTITY_MISMATCH')
    expect(await target.hash(5)).toBe(blank)
    expect((await keeper.detach(volume.name, '--force')).left).toEqual([])
    expect(await target.hash(5)).toBe(blank)
    await expectNothingLeft(node)
  })
})

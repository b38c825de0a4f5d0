import { beforeEach, expect, it } from 'vitest'

import { readDisk } from '../../../../src/host/read/disks.ts'
import { readSessions } from '../../../../src/host/read/sessions.ts'
import { parseName } from '../../../../src/model/name.ts'
import { refuseForeignHolders, refuseOtherHoldMap } from '../../../../src/volumes/attach/foreign.ts'
import type { Path } from '../../../../src/volumes/attach/path.ts'
import type { FakeNode } from '../../kubernetes/node.ts'
import { fakeNode, NAME, staged } from '../../kubernetes/node.ts'

const DISK = 'sys/devices/platform/host2/session1/target2:0:0/2:0:0:0'
const OTHER = parseName('other')

let node: FakeNode

/** The volume's disk sda, as a new attach finds it. */
function path(): Path {
  const [session] = readSessions(node.host.paths, staged.request.iqn)
  const disk = readDisk(node.host.paths, session!, staged.request.lun)
  return { session, disk } as unknown as Path
}

beforeEach(() => {
  node = fakeNode()
  node.file(`${DISK}/block/sda/dev`, '8:0\n')
  // The hold map of NAME, dm-0, is on it.
  node.file(`${DISK}/block/sda/holders/dm-0/dev`, '253:0\n')
})

it('a disk below the hold map of another name is refused, although no record of that name is there', () => {
  for (const refuse of [
    () => refuseOtherHoldMap(node.host, OTHER, [path()]),
    () => refuseForeignHolders(node.host, OTHER, [path()], 600),
  ])
    expect(refuse).toThrow(/sda is in use by lunkeeper-csi-orders, the hold map of another volume/)
})

it('a disk below its own hold map is not', () => {
  refuseOtherHoldMap(node.host, NAME, [path()])
  refuseForeignHolders(node.host, NAME, [path()], 600)
})

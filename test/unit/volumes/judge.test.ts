import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { readDisk } from '../../../src/host/read/disks.ts'
import { readSessions } from '../../../src/host/read/sessions.ts'
import type { Identity } from '../../../src/model/identity.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { parseWwid } from '../../../src/model/wwid.ts'
import { judge } from '../../../src/volumes/detach/judge.ts'
import { fakeNode, staged } from '../kubernetes/node.ts'

const DISK = 'sys/devices/platform/host2/session1/target2:0:0/2:0:0:0'
const identity: Identity = {
  wwid: parseWwid('naa.6001405aaaa500000000000000000000'),
  serial: 'aaaa5',
  bytes: 64 << 20,
}

/** A path whose session is lost, and that no map or mount uses. */
function lostPath(serial: string, naa: string) {
  const node = fakeNode()
  node.session('FREE')
  node.file(`${DISK}/state`, 'transport-offline\n')
  node.file(`${DISK}/block/sda/dev`, '8:0\n')
  // As the kernel has cached them.
  node.file(`${DISK}/wwid`, `naa.${naa}\n`)
  writeFileSync(
    join(node.host.paths.root, DISK, 'vpd_pg80'),
    Buffer.concat([Buffer.of(0, 0x80, 0, serial.length), Buffer.from(serial)]),
  )
  const [session] = readSessions(node.host.paths, staged.request.iqn)
  const disk = readDisk(node.host.paths, session!, parseLun(0))
  return judge(node.host, session!, disk!, { ...staged, identity }, [])
}

it('a lost path of the volume is its own, by what the kernel has cached, whatever its size was', async () => {
  expect(await lostPath('aaaa5', '6001405aaaa500000000000000000000')).toMatchObject({ verdict: 'silent' })
})

it('a lost path of another volume is left alone', async () => {
  expect(await lostPath('bbbb5', '6001405bbbb500000000000000000000')).toMatchObject({ verdict: 'foreign' })
})

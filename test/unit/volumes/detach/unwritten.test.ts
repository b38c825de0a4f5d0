import { expect, it } from 'vitest'

import type { Host } from '../../../../src/host/host.ts'
import { readDisk } from '../../../../src/host/read/disks.ts'
import { readMaps } from '../../../../src/host/read/maps.ts'
import { readSessions } from '../../../../src/host/read/sessions.ts'
import type { Attachment } from '../../../../src/model/attachment.ts'
import { LunkeeperError } from '../../../../src/model/errors.ts'
import { parseLun } from '../../../../src/model/lun.ts'
import type { Dismantling } from '../../../../src/volumes/detach/dismantle.ts'
import type { Judged } from '../../../../src/volumes/detach/judge.ts'
import { whyUnwritten } from '../../../../src/volumes/detach/unwritten.ts'
import type { FakeNode } from '../../kubernetes/node.ts'
import { fakeNode, staged } from '../../kubernetes/node.ts'

const DISK = 'sys/devices/platform/host2/session1/target2:0:0/2:0:0:0'

const workOf = (host: Host, record: Attachment, hasMap: boolean) => {
  const maps = hasMap ? readMaps(host.paths) : []
  return {
    host,
    signal: undefined,
    found: { record },
    view: () => ({ sessions: [], maps }),
  } as unknown as Dismantling
}

/** For a volume on a hold map without a path, with this open count in the kernel. */
function onMap(openCount: string) {
  const { host } = fakeNode()
  const run = async () => ({ code: 0, signal: null, stdout: `${openCount}\n`, stderr: '' })
  return whyUnwritten(workOf({ ...host, run }, staged, true), [])
}

/** For a raw volume that its session holds, while its target is away. @param prepare sets what the kernel reports about it */
function onDisk(
  prepare: (node: FakeNode) => void,
  use: Partial<Attachment['request']['use']> = {},
  device = '/dev/sda',
  error: LunkeeperError | null = null,
) {
  const node = fakeNode()
  node.session('FAILED')
  node.file(`${DISK}/state`, 'blocked\n')
  node.file(`${DISK}/block/sda/dev`, '8:0\n')
  prepare(node)
  const { host } = node
  const record: Attachment = {
    ...staged,
    mode: 'session',
    device,
    request: { ...staged.request, use: { ...staged.request.use, ...use } },
  }
  const [session] = readSessions(host.paths, staged.request.iqn)
  const disk = readDisk(host.paths, session!, parseLun(0))!
  const judged: Judged = { session: session!, disk, verdict: 'silent', error }
  return whyUnwritten(workOf(host, record, false), [judged])
}

it('nothing is unwritten of a hold map that the kernel counts as not open', async () => {
  expect(await onMap('0')).toBeNull()
})

it('a hold map that the kernel counts as open is in use, although no process has it open', async () => {
  expect(await onMap('1')).toMatch(/is in use/)
})

it('a map of which the kernel does not tell it is not taken for unused', async () => {
  await expect(onMap('')).rejects.toMatchObject({ code: 'MAP_FAILED' })
})

it('a raw disk may have unwritten data for as long as the kernel holds its I/O', async () => {
  expect(await onDisk(() => {})).toMatch(/^may have unwritten data: the kernel holds the I\/O of sda/)
})

it('a raw disk has none where the kernel fails its I/O by now, or the target has no such LUN', async () => {
  expect(await onDisk((node) => node.file(`${DISK}/state`, 'transport-offline\n'))).toBeNull()
  expect(await onDisk(() => {}, {}, '/dev/sda', new LunkeeperError('LUN_ABSENT', 'gone'))).toBeNull()
})

it('a raw disk has none that its users may not write to, or were never given', async () => {
  expect(await onDisk(() => {}, { readOnly: true })).toBeNull()
  expect(await onDisk(() => {}, {}, '/dev/sdb')).toBeNull()
})

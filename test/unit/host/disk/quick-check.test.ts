import { expect, it } from 'vitest'

import type { CheckedDisk } from '../../../../src/host/disk/quick-check.ts'
import { checkIdentities } from '../../../../src/host/disk/quick-check.ts'
import type { Host } from '../../../../src/host/host.ts'
import type { VitalAnswer } from '../../../../src/host/worker/protocol.ts'
import { WorkerError } from '../../../../src/host/worker/worker.ts'
import { lay } from '../read/tree.ts'

const KEY = '1b3a00c0ffee0001'
/** Page 80h with the serial "db5". */
const PAGE = Buffer.from([0, 0x80, 0, 3, ...Buffer.from('db5')])
/** READ RESERVATION: a holder with this key, write exclusive for registrants (SPC-4, 6.16.3). */
const heldBy = (key: string, generation = 1) =>
  Buffer.concat([
    Buffer.from([0, 0, 0, generation, 0, 0, 0, 16]),
    Buffer.from(key, 'hex'),
    Buffer.from([0, 0, 0, 0, 0, 5, 0, 0]),
  ])

/** @param at where the kernel has the disk with the requested name */
function check(
  answer: VitalAnswer | Error,
  at = '2:0:0:5',
  known: Partial<CheckedDisk> = {},
): Promise<string[]> {
  const use = async () => {
    if (answer instanceof Error) throw answer
    return [answer]
  }
  const device = `../../devices/platform/host2/session1/target2:0:0/${at}`
  const paths = lay(
    new Map([
      ['sys/class/block/sda', ` -> ${device}/block/sda`],
      ['sys/class/scsi_generic/sg0', ` -> ${device}/scsi_generic/sg0`],
    ]),
  )
  const host = { paths, workers: { use } } as unknown as Host
  const disk = {
    disk: { name: 'sda', sg: 'sg0', sid: 1, hctl: { host: 2, channel: 0, target: 0, lun: 5 } },
    wwid: null,
    serial: 'db5',
    fence: { key: KEY, persists: true },
    generation: 1,
    ...known,
  } as unknown as CheckedDisk
  return checkIdentities(host, [disk])
}

it.for<[string, VitalAnswer, string]>([
  ['the volume, reserved for this node', { pages: [PAGE], reservation: heldBy(KEY) }, 'same'],
  [
    'the volume, reserved for this node, and new keys',
    { pages: [PAGE], reservation: heldBy(KEY, 2) },
    'registered',
  ],
  [
    'the volume, reserved for another key',
    { pages: [PAGE], reservation: heldBy('1b3a00c0ffee0002') },
    'taken',
  ],
  // A target whose reservations were switched off no longer guards anything.
  ['the volume, whose target does not say who has it', { pages: [PAGE], reservation: 'refused' }, 'taken'],
  ['another volume', { pages: [Buffer.from([0, 0x80, 0, 1, 0x78])], reservation: heldBy(KEY) }, 'other'],
  ['no LUN', { pages: null, reservation: null }, 'absent'],
  ['an error', { pages: { errno: 'EIO', message: 'no answer' }, reservation: null }, 'silent'],
])('a disk that answers with %s', async ([, answer, expected]) => {
  expect(await check(answer)).toEqual([expected])
})

it('a worker that fails says nothing of a disk', async () => {
  expect(await check(new WorkerError('EIO', 'it ended'))).toEqual(['silent'])
})

it('what a disk says to which the kernel has given the name of this one says nothing of this one', async () => {
  const other = { pages: [Buffer.from([0, 0x80, 0, 1, 0x78])], reservation: heldBy(KEY) }
  expect(await check(other, '2:0:0:6')).toEqual(['silent'])
})

it('a disk with the WWID of the volume and another serial is another volume', async () => {
  // One designator: NAA, binary.
  const page83 = Buffer.from([0, 0x83, 0, 12, 1, 3, 0, 8, 0x50, 0, 0, 0, 0, 0, 0, 5])
  const known = { wwid: 'naa.5000000000000005' as never }
  const answer = (serial: string) => ({
    pages: [page83, Buffer.from([0, 0x80, 0, serial.length, ...Buffer.from(serial)])],
    reservation: heldBy(KEY),
  })
  expect(await check(answer('db5'), undefined, known)).toEqual(['same'])
  expect(await check(answer('da5'), undefined, known)).toEqual(['other'])
})

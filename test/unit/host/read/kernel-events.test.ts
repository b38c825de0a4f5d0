import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import type { KernelEvent } from '../../../../src/host/read/kernel-events.ts'
import { EventReader } from '../../../../src/host/read/kernel-events.ts'

const PRINTED = `monitor will print the received events for:
KERNEL - the kernel uevent

KERNEL[35.268510] change   /devices/virtual/block/dm-0 (block)
ACTION=change
DEVPATH=/devices/virtual/block/dm-0
SUBSYSTEM=block
DM_TARGET=multipath
DM_ACTION=PATH_FAILED
DM_NAME=lunkeeper-db
DM_PATH=8:0

KERNEL[36.100000] change   /devices/platform/host2/session1/target2:0:0/2:0:0:0 (scsi)
ACTION=change
SDEV_UA=REPORTED_LUNS_DATA_HAS_CHANGED

`

function read(parts: readonly string[]): Record<string, string>[] {
  const events: KernelEvent[] = []
  const reader = new EventReader((event) => events.push(event))
  for (const part of parts) reader.take(part)
  return events.map((event) => Object.fromEntries(event))
}

const WANTED = [
  expect.objectContaining({ DM_ACTION: 'PATH_FAILED', DM_NAME: 'lunkeeper-db', DM_PATH: '8:0' }),
  expect.objectContaining({ SDEV_UA: 'REPORTED_LUNS_DATA_HAS_CHANGED' }),
]

test('each event of udevadm monitor is reported once, with its properties', () => {
  expect(read([PRINTED])).toEqual(WANTED)
})

test('events are the same in whatever pieces they come', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(PRINTED.length), { maxLength: 12 }), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), PRINTED.length]
      expect(read(at.slice(1).map((end, index) => PRINTED.slice(at[index], end)))).toEqual(WANTED)
    }),
  )
})

test('the reader says that the monitor listens once it has subscribed, and not at an event', () => {
  let listening = 0
  const reader = new EventReader(
    () => expect(listening).toBe(1),
    () => listening++,
  )
  const [first, ...rest] = PRINTED.split(/(?<=\n)/)
  reader.take(first!)
  expect(listening).toBe(0)
  for (const line of rest) reader.take(line)
  expect(listening).toBe(1)
})

test('any text is read without an error, and without keeping it', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (parts) => {
      read(parts)
    }),
  )
})

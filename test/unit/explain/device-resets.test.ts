import { expect, test } from 'vitest'

import { explainLog } from './explained.ts'

const kernel = (at: number, message: string) => `[${at.toFixed(6)}] ${message}\n`
const reset = (at: number, address = '2:0:0:0') =>
  kernel(at, `sd ${address}: Power-on or device reset occurred`)
const attached = (at: number, address = '2:0:0:0') =>
  kernel(at, `sd ${address}: [sdb] 20971520 512-byte logical blocks: (10.7 GB/10.0 GiB)`)

async function resetsOf(log: string) {
  const { causes } = await explainLog(log)
  return causes.map(({ kind, subject, count, firstUptime }) => [kind, subject, count, firstUptime])
}

test('the reset that each login logs is not a problem, and nothing else is reported', async () => {
  expect(
    await resetsOf(
      kernel(10, 'scsi host2: iSCSI Initiator over TCP/IP') +
        kernel(10.1, 'scsi 2:0:0:0: Direct-Access     LIO-ORG  disk             4.0  PQ: 0 ANSI: 5') +
        reset(10.2) +
        kernel(10.2, 'sd 2:0:0:0: Attached scsi generic sg1 type 0') +
        attached(10.3) +
        kernel(10.4, 'sd 2:0:0:0: [sdb] Attached SCSI disk'),
    ),
  ).toEqual([])
})

test('the same after a logout and a new login, when the address had a name before', async () => {
  expect(await resetsOf(reset(10) + attached(10.1) + reset(900) + reset(900.05) + attached(900.1))).toEqual(
    [],
  )
})

test('a reset of a disk in use is reported, at its time', async () => {
  const inUse = reset(10) + attached(10.1)
  expect(await resetsOf(inUse + reset(500) + reset(700))).toEqual([['device-reset', 'sdb', 2, 500]])
  // The disk is attached again long after it.
  expect(await resetsOf(inUse + reset(500) + attached(900))).toEqual([['device-reset', 'sdb', 1, 500]])
  // Another disk is attached.
  expect(await resetsOf(reset(500) + attached(500.1, '3:0:0:0'))).toEqual([
    ['device-reset', '2:0:0:0', 1, 500],
  ])
})

test('a log that starts after the login reports a reset', async () => {
  expect(await resetsOf(reset(500))).toEqual([['device-reset', '2:0:0:0', 1, 500]])
})

test('resets without end are all counted', async () => {
  let log = ''
  for (let n = 0; n < 1000; n++) log += reset(500 + n / 1000, `2:0:0:${n % 7}`)
  const { causes } = await explainLog(log)
  expect(causes.reduce((sum, { count }) => sum + count, 0)).toBe(1000)
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { PLAIN } from '../../../src/cli/output/display.ts'
import { explainText } from '../../../src/cli/output/explain.ts'
import { timelinePage } from '../../../src/cli/output/timeline/page.ts'
import type { Explanation } from '../../../src/explain/report.ts'
import { explainLog } from './explained.ts'

const kernel = (at: number, message: string) => `[${at.toFixed(6)}] n1 kernel: ${message}\n`
const iscsid = (at: number, message: string) => `[${at.toFixed(6)}] n1 iscsid[77]: ${message}\n`
const lost = (at: number, session: number) => kernel(at, `connection${session}:0: detected conn error (1020)`)
const expired = (at: number, session: number, seconds = 120) =>
  kernel(at, `session${session}: session recovery timed out after ${seconds} secs`)
const back = (at: number, session: number) =>
  iscsid(at, `connection${session}:0 is operational after recovery (9 attempts)`)
const rejected = (at: number, host: number) => kernel(at, `sd ${host}:0:0:0: rejecting I/O to offline device`)
const ioError = (at: number, disk: string) => kernel(at, `I/O error, dev ${disk}, sector 8 op 0x1:(WRITE)`)
const aborted = (at: number, disk: string) => kernel(at, `Aborting journal on device ${disk}-8.`)
const ata = (at: number) => kernel(at, 'ata1.00: exception Emask 0x0 SAct 0x0 SErr 0x0 action 0x0')

/** Each outage with the disks that failed in it, and those that failed in it or in another one. */
const blamed = ({ sessions }: Explanation) =>
  sessions.flatMap(({ session, outages }) =>
    outages.map(({ devices, shared }) => [
      session,
      devices,
      ...shared.map((failure) => `${failure.device} of ${failure.sessions.join()}`),
    ]),
  )
const survivors = ({ sessions }: Explanation) =>
  sessions.filter(({ outages }) => outages.every(({ survived }) => survived)).map(({ session }) => session)
const causes = (story: Explanation) => story.causes.map(({ kind, subject }) => `${kind}: ${subject}`)

const BOTH_LOST = lost(100, 1) + lost(101, 2)

test('of an old open outage and one whose timer has just expired, the latter is blamed, though the disk has the same name', async () => {
  const recorded = ['outage-120s-read-only.log', 'outage-300s-read-only.log'].map((name) =>
    readFileSync(join(import.meta.dirname, 'logs', name), 'utf8'),
  )
  const { sessions } = await explainLog(recorded.join(''))
  expect(sessions).toMatchObject([
    { session: 12, outages: [{ devices: ['sdb'], awayAtLeast: 121, survived: false }] },
    { session: 13, outages: [{ devices: ['sdb'], awayAtLeast: 306, survived: false, failedBy: 'timer' }] },
  ])
  const [earlier, later] = sessions.map(({ outages }) => outages[0]!)
  expect(earlier!.fileSystems.every(({ at }) => at! < '2026-08-28T18:16')).toBe(true)
  expect(later!.fileSystems.map(({ what }) => what)).toEqual([
    'data lost',
    'journal aborted',
    'read-only',
    'error',
  ])
})

test('a disk that goes on failing does not move to another session whose timer expires', async () => {
  const story = await explainLog(
    lost(100, 1) +
      expired(220, 1) +
      ioError(220, 'sdb') +
      lost(230, 2) +
      ioError(310, 'sdb') +
      ioError(349, 'sdb') +
      expired(350, 2) +
      ioError(350, 'sdb') +
      ioError(350, 'sdc'),
  )
  expect(blamed(story)).toEqual([
    [1, ['sdb']],
    [2, ['sdc']],
  ])
  expect(story.sessions[0]!.outages[0]).toMatchObject({ ioErrors: 4 })
})

test('if the timers of two sessions expire before the first error, the disks belong to one of the two, and neither survived', async () => {
  const story = await explainLog(
    BOTH_LOST +
      expired(220, 1) +
      expired(221, 2) +
      rejected(221, 2) +
      ioError(221, 'sdb') +
      aborted(221, 'sdb') +
      rejected(221, 3) +
      ioError(221, 'sdc') +
      ioError(221, 'sdc'),
  )
  expect(blamed(story)).toEqual([
    [1, [], 'sdb of 1,2', 'sdc of 1,2'],
    [2, [], 'sdb of 1,2', 'sdc of 1,2'],
  ])
  expect(survivors(story)).toEqual([])
  const text = explainText(story, PLAIN)
  expect(text).toContain('1 I/O error on sdb (of session 1 or 2)')
  expect(text).toContain('2 I/O errors on sdc (of session 1 or 2)')
  expect(text).toMatch(/ext4 on sdb: journal aborted .* \(of session 1 or 2\)/)
  expect(text).not.toMatch(/survived|nothing failed/i)
  expect(timelinePage(story, '')).toContain('journal aborted (of session 1 or 2)')
})

test('an error between two expiries belongs to the first, and the next error to the second', async () => {
  const story = await explainLog(
    BOTH_LOST +
      expired(220, 1) +
      ioError(220, 'sdb') +
      expired(221, 2) +
      ioError(221, 'sdc') +
      ioError(221, 'sdb'),
  )
  expect(blamed(story)).toEqual([
    [1, ['sdb']],
    [2, ['sdc']],
  ])
})

test('disks of different hosts belong to different sessions, whatever the time says', async () => {
  const story = await explainLog(
    BOTH_LOST +
      expired(220, 1) +
      expired(250, 2) +
      rejected(250, 2) +
      ioError(250, 'sdb') +
      rejected(250, 3) +
      ioError(250, 'sdc'),
  )
  expect(blamed(story)).toEqual([
    [1, [], 'sdb of 1,2', 'sdc of 1,2'],
    [2, [], 'sdb of 1,2', 'sdc of 1,2'],
  ])
})

test('a later outage of one session shows whose disks failed in the outage of both', async () => {
  const both = BOTH_LOST + expired(220, 1) + expired(221, 2) + rejected(221, 2) + ioError(221, 'sdb')
  const story = await explainLog(
    `${both}${rejected(221, 3)}${ioError(221, 'sdc')}${back(300, 1)}${back(300, 2)}` +
      lost(900, 2) +
      expired(1020, 2) +
      rejected(1020, 3) +
      ioError(1020, 'sdc'),
  )
  expect(blamed(story)).toEqual([
    [1, ['sdb']],
    [2, ['sdc']],
    [2, ['sdc']],
  ])
})

test('a failure that goes on after one of two sessions is back belongs to the other', async () => {
  const story = await explainLog(
    BOTH_LOST + expired(220, 1) + expired(221, 2) + ioError(221, 'sdb') + back(240, 1) + ioError(400, 'sdb'),
  )
  expect(blamed(story)).toEqual([
    [1, []],
    [2, ['sdb']],
  ])
})

test('a login of iscsid that assigns a host leaves one session for a disk of another host', async () => {
  const login =
    'Connection2:0 to [target: iqn.2026-01.example:a, portal: 10.0.0.5,3260] through [iface: default] is operational now'
  const story = await explainLog(
    kernel(10, 'scsi host3: iSCSI Initiator over TCP/IP') +
      iscsid(11, login) +
      BOTH_LOST +
      expired(220, 1) +
      expired(221, 2) +
      rejected(221, 2) +
      ioError(221, 'sdb') +
      rejected(221, 3) +
      ioError(221, 'sdc'),
  )
  expect(blamed(story)).toEqual([
    [2, ['sdc']],
    [1, ['sdb']],
  ])
})

const remounted = (partition: string) =>
  kernel(300, `EXT4-fs (${partition}): Remounting filesystem read-only`)
const SDA_FAILED = ioError(300, 'sda') + remounted('sda2')

test.each([
  ['an ATA error between its errors', '', ioError(300, 'sda') + ata(300) + remounted('sda2')],
  ['an ATA error before them', '', ata(300) + SDA_FAILED],
  ['an ATA error after them', '', SDA_FAILED + ata(301)],
  [
    'libata, which detaches it',
    '',
    `${SDA_FAILED}${kernel(301, 'ata9.00: detaching (SCSI 0:0:0:0)')}${kernel(301, 'sd 0:0:0:0: [sda] Stopping disk')}`,
  ],
  [
    'the driver of its host',
    kernel(1, 'scsi host0: ahci') + kernel(2, 'sd 0:0:0:0: [sda] Attached SCSI disk'),
    SDA_FAILED,
  ],
  [
    'the driver of its host, and a later line with its name',
    kernel(1, 'scsi host0: Virtio SCSI HBA'),
    SDA_FAILED + kernel(400, 'sd 0:0:0:0: [sda] Synchronizing SCSI cache'),
  ],
  ['the name of an NVMe disk', '', ioError(300, 'nvme0n1') + remounted('nvme0n1p2')],
  ['the name of a virtio disk', '', ioError(300, 'vda') + remounted('vda2')],
])('a disk is not of an outage if the log shows that it is local: by %s', async (_, start, local) => {
  const outage = lost(100, 1) + expired(220, 1) + rejected(220, 2) + ioError(220, 'sdb')
  const story = await explainLog(start + outage + local)
  // What the local disk logs does not lengthen the outage either.
  expect(story.sessions).toMatchObject([
    { session: 1, outages: [{ devices: ['sdb'], ioErrors: 1, fileSystems: [], awayAtLeast: 120 }] },
  ])
  expect(story.causes).toMatchObject([
    { kind: 'not-iscsi', ioErrors: 1, fileSystems: [{ what: 'read-only' }] },
  ])
})

test('an outage whose disk did not fail survived, although a local disk failed', async () => {
  const story = await explainLog(
    lost(100, 1) + expired(220, 1) + ioError(300, 'sda') + ata(300) + aborted(300, 'sda2'),
  )
  expect(survivors(story)).toEqual([1])
  expect(causes(story)).toEqual(['not-iscsi: sda'])
})

test('an ATA error does not take a disk whose I/O the kernel rejected', async () => {
  const story = await explainLog(
    lost(100, 1) + expired(220, 1) + rejected(220, 2) + ioError(220, 'sdb') + ata(220) + aborted(221, 'sdb'),
  )
  expect(blamed(story)).toEqual([[1, ['sdb']]])
  expect(story.causes).toEqual([])
})

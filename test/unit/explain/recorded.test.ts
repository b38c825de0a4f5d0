import { expect, test } from 'vitest'

import { outagesOf, explainRecorded } from './explained.ts'

const CLOSED = { how: 'closed', code: 1020 }

test('a recorded outage outlasts a timer of 120 s: disk offline, journal aborted, file system read-only', async () => {
  const story = await explainRecorded('outage-120s-read-only.log')
  expect(story).toMatchObject({ lines: 15, sessions: [{ session: 12, connection: 0, host: 'instance-1' }] })
  const [outage, ...more] = outagesOf(story)
  expect(more).toEqual([])
  expect(outage).toMatchObject({
    lostAt: '2026-08-28T18:13:29',
    noticed: CLOSED,
    timer: 120,
    timerInferred: true,
    expiredAt: '2026-08-28T18:15:30',
    backAt: null,
    // 1 request, 3 buffers, and 19448 that the kernel did not print.
    ioErrors: 19452,
    devices: ['sdb'],
    survived: false,
    prevention: { holdSeconds: 121, known: false, words: expect.stringContaining('longer than 121 s') },
  })
  expect(outage!.fileSystems.map(({ device, type, what }) => [device, type, what])).toEqual([
    ['sdb', 'ext4', 'data lost'],
    ['sdb', 'ext4', 'journal aborted'],
    ['sdb', 'ext4', 'read-only'],
  ])
})

test('a recorded outage outlasts a timer of 300 s, and the target does not return', async () => {
  const [outage, ...more] = outagesOf(await explainRecorded('outage-300s-read-only.log'))
  expect(more).toEqual([])
  expect(outage).toMatchObject({
    lostAt: '2026-08-28T18:38:14',
    noticed: CLOSED,
    timer: 300,
    timerInferred: false,
    expiredAt: '2026-08-28T18:43:15',
    backAt: null,
    ended: null,
    seconds: null,
    devices: ['sdb'],
    survived: false,
    prevention: { holdSeconds: 306, known: false, words: expect.stringContaining('longer than 306 s') },
  })
  expect(outage!.ioErrors).toBeGreaterThan(3951)
  expect(outage!.fileSystems).toContainEqual(
    expect.objectContaining({ device: 'sdb', what: 'journal aborted', at: '2026-08-28T18:43:20' }),
  )
  expect(outage!.fileSystems).toContainEqual(
    expect.objectContaining({ device: 'sdb', what: 'read-only', at: '2026-08-28T18:43:20' }),
  )
})

test('a timer of 400 s survives a recorded outage of 301 s: recovery after 79 attempts, no data lost', async () => {
  const story = await explainRecorded('outage-300s-survived-400s.log')
  expect(story.sessions).toMatchObject([{ session: 12, portal: '10.142.0.2:3260' }])
  const [outage, ...more] = outagesOf(story)
  expect(more).toEqual([])
  expect(outage).toMatchObject({
    lostAt: '2026-08-29T11:31:37',
    noticed: CLOSED,
    expiredAt: null,
    backAt: '2026-08-29T11:36:38',
    ended: 'back',
    attempts: 79,
    seconds: 301,
    ioErrors: 0,
    devices: [],
    fileSystems: [],
    survived: true,
    prevention: { holdSeconds: 332, known: true },
  })
})

test('a recorded dmesg without dates is explained by the time since boot; a file system that never logs "read-only" is not reported as such', async () => {
  const story = await explainRecorded('lab-6.1-timeout-8s-ext4-abort.dmesg')
  expect(story.span).toEqual({ from: null, to: null, fromUptime: 12, toUptime: 29.02 })
  const [outage, ...more] = outagesOf(story)
  expect(more).toEqual([])
  expect(outage).toMatchObject({
    lostAt: null,
    lostUptime: 12,
    timer: 8,
    expiredAt: null,
    expiredUptime: 20.32,
    attempts: 8,
    awayAtLeast: 17,
    ioErrors: 7,
    devices: ['sda'],
    survived: false,
    prevention: { holdSeconds: 17, known: false },
  })
  expect(outage!.fileSystems).toContainEqual({
    device: 'sda',
    type: 'ext4',
    what: 'journal aborted',
    at: null,
    uptime: 20.34,
  })
  expect(outage!.fileSystems.some(({ what }) => what === 'read-only')).toBe(false)
})

import { expect, it } from 'vitest'

import type { HoldNote } from '../../../../src/model/hold-note.ts'
import { eventsOfChange } from '../../../../src/kubernetes/events/volume-event.ts'
import { expiryWarning } from '../../../../src/kubernetes/events/expiry-warning.ts'
import type { Hold, HoldMode } from '../../../../src/model/hold.ts'
import { parseName } from '../../../../src/model/name.ts'

const name = parseName('csi-orders')
const since = '2026-11-21T10:00:00.000Z'
const held = (wanted: Hold, mode: HoldMode = 'map') =>
  ({ name, mode, request: { hold: { wanted, mode: 'auto' } } }) as unknown as Parameters<
    typeof expiryWarning
  >[0]
const at = (seconds: number) => Date.parse(since) + seconds * 1000
const note = (more: Partial<HoldNote> = {}): HoldNote => ({ since, ended: null, trouble: null, ...more })
const told = (before: HoldNote | null, after: HoldNote | null, wanted: Hold | null = 600) =>
  eventsOfChange({ name, before, after }, wanted, { wallMs: at(37), nowMs: 42_000 })
const reasons = (...args: Parameters<typeof told>) => told(...args).map(({ reason }) => reason)

it('an outage that ends well makes one event at its begin and one at its end', () => {
  expect(told(null, note())).toMatchObject([
    {
      reason: 'IOWaiting',
      type: 'Warning',
      message: expect.stringContaining('until 2026-11-21T10:10:00.000Z'),
    },
  ])
  expect(told(null, note(), 'forever')[0]!.message).toContain('without a limit')
  expect(told(note(), null)).toMatchObject([
    {
      reason: 'IOResumed',
      type: 'Normal',
      message: expect.stringContaining('resumed without errors after 37 s'),
    },
  ])
})

it('an outage that ends badly says why, what broke, and when the volume is usable again', () => {
  const ended = note({ ended: 'deadline' })
  const broken = { ...ended, kind: 'broken', trouble: 'mounted at /x' } as const
  expect(told(note(), ended)).toMatchObject([
    { reason: 'IOFailed', message: expect.stringContaining('after 600 s') },
  ])
  expect(told(note(), note({ ended: 'give-up' }))[0]!.message).toContain('given up')
  expect(told(ended, broken)).toMatchObject([{ reason: 'FileSystemBroken', detail: 'mounted at /x' }])
  expect(reasons(broken, null)).toEqual(['VolumeUsableAgain'])
})

it('another volume that answers is reported once', () => {
  const stranger = note({ kind: 'stranger', trouble: 'its serial is another' })
  expect(reasons(note(), stranger)).toEqual(['NotTheVolume'])
  expect(reasons(stranger, { ...stranger, trouble: 'in other words' })).toEqual([])
  expect(reasons(stranger, null)).toEqual(['IOResumed'])
})

it('an agent that starts during an outage reports everything so far', () => {
  expect(reasons(null, note({ ended: 'deadline', kind: 'broken' }))).toEqual([
    'IOWaiting',
    'IOFailed',
    'FileSystemBroken',
  ])
})

it('two outages of which the moment between them was not seen are reported as two', () => {
  const next = note({ since: '2026-11-21T10:00:20.000Z' })
  expect(reasons(note(), next)).toEqual(['IOResumed', 'IOWaiting'])
})

it('setting the clock during an outage does not report another outage, and changes no length', () => {
  const next = note({ since: '2026-11-21T13:00:00.000Z', sinceMs: 5_000 })
  expect(reasons(note({ sinceMs: 5_000 }), next)).toEqual([])
  // Three hours ahead of the present wall clock, in which its deadline is written.
  expect(told(next, null)[0]!.message).toContain('after 37 s')
  const ended = { ...next, ended: 'deadline', deadline: '2026-11-21T10:00:37.000Z' } as const
  expect(told(next, ended)[0]!.message).toContain('after 37 s')
})

it('a volume that is detached is not reported as back', () => expect(reasons(note(), null, null)).toEqual([]))

it('a warning goes before the end of a hold that leaves time for one', () => {
  const soon = (wanted: Hold, seconds: number, more: Partial<HoldNote> = {}) =>
    expiryWarning(held(wanted), note(more), at(seconds))?.reason ?? null
  expect(soon(600, 479)).toBeNull()
  expect(soon(600, 481)).toBe('IOFailingSoon')
  expect(soon(100, 79)).toBeNull()
  expect(soon(100, 81)).toBe('IOFailingSoon')
  expect(soon(100, 101)).toBeNull()
  expect(soon(30, 29)).toBeNull()
  expect(soon('forever', 1e6)).toBeNull()
  expect(soon(600, 500, { ended: 'give-up' })).toBeNull()
})

it('a hold that was lengthened is warned of again', () =>
  expect(expiryWarning(held(600), note(), at(500))!.id).not.toBe(
    expiryWarning(held(700), note(), at(600))!.id,
  ))

it('a volume that its session holds is warned of by the running timer, which cannot be lengthened', () => {
  const kept = note({ deadline: '2026-11-21T10:05:00.000Z' })
  const soon = (seconds: number) => expiryWarning(held(600, 'session'), kept, at(seconds))
  expect(soon(239)).toBeNull()
  expect(soon(241)!.message).toMatch(/fails at 2026-11-21T10:05:00.000Z, unless it is back by then/)
  expect(expiryWarning(held(600, 'multipathd'), kept, at(241))!.message).toContain(
    'lunkeeper hold csi-orders',
  )
  expect(told(null, kept)[0]!.message).toContain('until 2026-11-21T10:05:00.000Z')
  expect(told(kept, { ...kept, ended: 'deadline' })[0]!.message).toContain('fails after 300 s')
  expect(expiryWarning(held(600, 'session'), note({ deadline: null }), at(1e6))).toBeNull()
})

it('a disk that was removed is not reported as storage that did not return', () =>
  expect(told(note(), note({ ended: 'removed' }))[0]!.message).toMatch(/^its disk was removed from the node/))

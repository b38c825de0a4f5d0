import { describe, expect, test } from 'vitest'
import type { PathFacts } from '../../../../src/model/plan/path.ts'
import { isStale, nextPathStep } from '../../../../src/model/plan/path.ts'
import { A, B, disk, identity, session } from './facts.ts'

const nothing: PathFacts = {
  session: null,
  disk: null,
  isReplaceable: false,
  waited: false,
  reached: false,
  loggedIn: false,
  timersSet: false,
  scans: 0,
  drops: 0,
  sizeAsked: false,
  identity: null,
  expected: {},
}
const lost = { ...session, state: 'FAILED' }
const given = { session: { ...session, state: 'FREE' }, isReplaceable: true }
const inside = { ...nothing, session, timersSet: true }
const unnamed = { ...disk(A), name: null, devno: null }

describe('the way to a path, from whatever is there', () => {
  test.each<[string, PathFacts, string]>([
    ['nothing is known', nothing, 'reach'],
    ['the portal answers', { ...nothing, reached: true }, 'login'],
    ['a login that worked, and no session', { ...nothing, reached: true, loggedIn: true }, 'away'],
    ['a session is there: no login, not even a look at the portal', { ...nothing, session }, 'set-timers'],
    ['a session that waits for its target', { ...nothing, session: lost }, 'away'],
    [
      'a session that waits, with its disk',
      { ...inside, session: lost, disk: disk(A), identity: identity(A) },
      'away',
    ],
    ['a session that iscsid gave up, beneath hold maps', { ...nothing, ...given }, 'reach'],
    ['the same, and the portal answers', { ...nothing, ...given, reached: true }, 'await-login'],
    ['the same, and iscsid had its time', { ...nothing, ...given, reached: true, waited: true }, 'log-out'],
    [
      'a new session that was given up at once',
      { ...nothing, ...given, reached: true, waited: true, loggedIn: true },
      'away',
    ],
    ['a session that never logged in', { ...nothing, session: { ...session, state: 'FREE' } }, 'away'],
    ['no disk yet', inside, 'scan'],
    ['scanned, and no disk', { ...inside, scans: 1 }, 'lun-absent'],
    ['a disk that was there before', { ...inside, disk: disk(A) }, 'identify'],
    ['a disk that we asked for', { ...inside, disk: disk(A), scans: 1 }, 'identify'],
    ['a disk that sd has not probed yet', { ...inside, disk: unnamed, scans: 1 }, 'appear'],
    ['one that sd never probed', { ...inside, disk: unnamed }, 'appear'],
    [
      'one that sd never probed, and it is right',
      { ...inside, disk: unnamed, identity: identity(A) },
      'appear',
    ],
    ['the right disk', { ...inside, disk: disk(A), identity: identity(A) }, 'ready'],
    [
      'the right disk, and it tells no size: a path that cannot be used now',
      { ...inside, disk: { ...disk(A), bytes: 0 }, identity: identity(A, 0) },
      'no-size',
    ],
    [
      'the same, and the size was known before',
      { ...inside, disk: disk(A), identity: identity(A, 0), expected: identity(A) },
      'no-size',
    ],
    [
      'another volume, and it tells no size',
      { ...inside, disk: { ...disk(B), bytes: 0 }, identity: identity(B, 0), expected: identity(A) },
      'mismatch',
    ],
    [
      'a size again, which the kernel does not have',
      { ...inside, disk: { ...disk(A), bytes: 0 }, identity: identity(A) },
      'read-size',
    ],
    [
      'a size again, and the kernel does not take it',
      { ...inside, disk: { ...disk(A), bytes: 0 }, identity: identity(A), sizeAsked: true },
      'no-size',
    ],
    [
      'it is smaller than it was',
      { ...inside, disk: disk(A), identity: identity(A, 512), expected: identity(A) },
      'mismatch',
    ],
    ['a stale disk', { ...inside, disk: disk(A), identity: identity(B) }, 'drop-stale-disk'],
    ['a stale disk was dropped', { ...inside, drops: 1 }, 'scan'],
    ['and scanned for again', { ...inside, drops: 1, scans: 2 }, 'lun-absent'],
    [
      'stale again',
      { ...inside, disk: disk(A), identity: identity(B), drops: 1, scans: 1 },
      'drop-stale-disk',
    ],
    [
      'stale forever',
      { ...inside, disk: disk(A), identity: identity(B), drops: 2, scans: 2 },
      'unidentified',
    ],
    [
      'a disk that says nothing of itself',
      { ...inside, disk: disk(null), identity: identity(null) },
      'unidentified',
    ],
  ])('%s', (_, facts, step) => {
    expect(nextPathStep(facts)).toBe(step)
  })
})

describe('with a volume expected', () => {
  const expecting = { ...inside, expected: { wwid: A } }
  test.each<[string, PathFacts, string]>([
    ['it is it', { ...expecting, disk: disk(A), identity: identity(A) }, 'ready'],
    [
      'another, fresh: nothing is done to it',
      { ...expecting, disk: disk(B), identity: identity(B) },
      'mismatch',
    ],
    [
      'another, under the stale disk of the one expected: not dropped, its users are told first',
      { ...expecting, disk: disk(A), identity: identity(B) },
      'mismatch',
    ],
    [
      'it, under a stale disk of another',
      { ...expecting, disk: disk(B), identity: identity(A) },
      'drop-stale-disk',
    ],
    [
      'it shrank',
      { ...expecting, expected: { bytes: 10 }, disk: disk(A), identity: { ...identity(A), bytes: 9 } },
      'mismatch',
    ],
    [
      'it grew',
      { ...expecting, expected: { bytes: 10 }, disk: disk(A), identity: { ...identity(A), bytes: 11 } },
      'ready',
    ],
    ['it cannot say', { ...expecting, disk: disk(A), identity: identity(null) }, 'mismatch'],
    [
      'mismatch before stale forever',
      { ...expecting, disk: disk(A), identity: identity(B), drops: 2 },
      'mismatch',
    ],
  ])('%s', (_, facts, step) => {
    expect(nextPathStep(facts)).toBe(step)
  })
})

describe('isStale compares what answers with what the kernel knows', () => {
  test.each([
    ['another WWID answers', disk(A), identity(B), true],
    ['the same answers', disk(A), identity(A), false],
    ['the same, grown', disk(A), { ...identity(A), bytes: 1 << 30 }, false],
    ['the same WWID with another serial', disk(A), { ...identity(A), serial: 'other' }, true],
    ['it no longer says what it said', disk(A), identity(null), true],
    ['the kernel knows nothing, and it says something', disk(null), identity(A), true],
    ['neither knows anything', disk(null), identity(null), false],
  ])('%s', (_, disk, identity, stale) => {
    expect(isStale(disk, identity)).toBe(stale)
  })

  test('a disk that the kernel has just made, and keeps no name of, is not stale', () => {
    expect(isStale(disk(null), identity(A), true)).toBe(false)
    expect(isStale(disk(B), identity(A), true)).toBe(true)
  })
})

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { beforeEach, describe, expect, it, test } from 'vitest'

import type { Host } from '../../../../src/host/host.ts'
import { openHost } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'
import type { HappeningName } from '../../../../src/model/history.ts'
import { HAPPENING_NAMES } from '../../../../src/model/history.ts'
import { historyDirectory, readHistory } from '../../../../src/state/records/history.ts'
import { historyReport } from '../../../../src/state/view/history.ts'
import { temporary } from '../../temporary.ts'

const MOMENT = { at: '2026-11-29T10:00:00.000Z', boot: 'b1', ms: 1, volume: 'db', by: null }
const since = '2026-11-29T09:00:00.000Z'

/** One valid event of each name. */
const VALID: Readonly<Record<HappeningName, object>> = {
  'outage-began': { since, mode: 'map', hold: 600 },
  'hold-ended': { since, how: 'deadline', seconds: 600 },
  trouble: { kind: 'broken', text: 'its file system is broken' },
  'outage-ended': { since, seconds: 41, io: 'waited', how: 'returned', returnMs: 12 },
  outages: { count: 3, failed: 0, seconds: 9, longest: 4 },
  attached: { mode: 'map', device: '/dev/dm-0', mount: '/mnt', bytes: 1, directory: null, tookOver: false },
  reattached: {},
  detached: { forced: false },
  'hold-changed': { from: 600, to: 'forever' },
  'gave-up': {},
  expanded: { from: 1, to: 2 },
  repaired: { code: 'PHANTOMS', action: 'removed sdb', error: null },
  'clock-stepped': { seconds: -90 },
  'agent-started': { version: '0.1.0' },
  'agent-stopped': {},
}

let host: Host

beforeEach(() => {
  const root = temporary()
  host = openHost({
    paths: hostPaths(root),
    places: { records: join(root, 'records'), runtime: join(root, 'run') },
  })
})

function recorded(...events: object[]): void {
  mkdirSync(historyDirectory(host), { recursive: true })
  const lines = events.map((event) => `${JSON.stringify({ ...MOMENT, ...event })}\n`)
  writeFileSync(join(historyDirectory(host), 'events-00000001.jsonl'), lines.join(''))
}

it('an event of each name is read', () => {
  recorded(...Object.entries(VALID).map(([event, fields]) => ({ event, ...fields })))
  const { events, unreadable } = readHistory(host)
  expect(new Set(events.map(({ event }) => event))).toEqual(HAPPENING_NAMES)
  expect(unreadable).toBe(0)
})

it.each([
  ['hold-changed', { from: null, to: '10m' }],
  ['hold-changed', {}],
  ['attached', { ...VALID.attached, mount: undefined }],
  ['outage-began', { ...VALID['outage-began'], since: 'yesterday' }],
  ['outage-began', { ...VALID['outage-began'], since: '+275760-09-13T00:00:00Z' }],
  ['hold-ended', { ...VALID['hold-ended'], seconds: 1e300 }],
  ['expanded', { from: '1', to: 2 }],
  ['repaired', { code: 'PHANTOMS', error: null }],
  ['gave-up', { at: '+275760-09-13T00:00:00Z' }],
  [7, {}],
])('a damaged event is counted, and not shown as something that happened: %s', (event, fields) => {
  recorded({ event, ...fields }, { event: 'gave-up' })
  expect(readHistory(host)).toMatchObject({ events: [{ event: 'gave-up' }], unreadable: 1 })
})

it('an event of a newer version is left out, and does not count as damaged', () => {
  recorded({ event: 'frozen' }, { event: 'gave-up', temperature: 3 })
  expect(readHistory(host)).toMatchObject({ events: [{ event: 'gave-up' }], unreadable: 0 })
})

describe('a history that cannot be read is not an empty one', () => {
  test('the directory of the records is a file', () => {
    writeFileSync(host.places.records, '')
    expect(() => historyReport(host, null)).toThrow(
      expect.objectContaining({
        code: 'RECORD_UNWRITABLE',
        message: expect.stringContaining('the history cannot be read: ENOTDIR'),
      }),
    )
  })

  test('one of its files cannot be read', () => {
    mkdirSync(join(historyDirectory(host), 'events-00000001.jsonl'), { recursive: true })
    expect(() => historyReport(host, null)).toThrow('the history cannot be read: EISDIR')
  })
})

import { expect, it } from 'vitest'

import { historyText, localTime, outagesText } from '../../../../src/cli/output/history.ts'
import { PLAIN } from '../../../../src/cli/output/display.ts'
import type { Happening, HistoryEvent } from '../../../../src/model/history.ts'

const at = '2026-11-28T12:45:12.000Z'
const event = (happening: Happening, more: Partial<HistoryEvent> = {}): HistoryEvent =>
  ({ at, boot: 'b', ms: 1, volume: 'db', by: null, ...happening, ...more }) as HistoryEvent

const report = (events: HistoryEvent[]) => ({ volumes: [], outages: [], events, unreadable: 0 })

it('each event is a line with time, volume, event and actor', () => {
  const user = { by: { via: 'cli', command: 'hold', user: 'alice' } } as const
  const text = historyText(
    report([
      event(
        { event: 'agent-started', version: '0.1.0' },
        { volume: null, by: { via: 'agent', command: null, user: null } },
      ),
      event({ event: 'outage-began', since: at, mode: 'map', hold: 600 }),
      event({ event: 'hold-changed', from: 600, to: 7200 }, user),
      event({
        event: 'outage-ended',
        since: at,
        seconds: 41.2,
        io: 'waited',
        how: 'returned',
        returnMs: 240,
      }),
      event({ event: 'hold-ended', since: at, seconds: 600, how: 'deadline' }),
    ]),
    PLAIN,
  )
  expect(text.replaceAll(localTime(at), 'TIME')).toMatchInlineSnapshot(`
    "TIME  (node)  agent started, version 0.1.0 (agent)
    TIME  db      all paths lost; holding I/O for up to 10m
    TIME  db      hold changed from 10m to 2h (lunkeeper hold, by alice)
    TIME  db      I/O resumed after 41 s, 240 ms after the target returned
    TIME  db      held I/O fails after 10m: the hold ended
    "
  `)
})

it('an empty history is reported, and unreadable lines are counted', () => {
  expect(historyText(report([]), PLAIN)).toBe('Nothing has been recorded.\n')
  expect(historyText({ ...report([]), unreadable: 2 }, PLAIN)).toContain('2 lines cannot be read')
  expect(historyText({ ...report([]), unreadable: 1 }, PLAIN)).toContain('1 line cannot be read')
})

it.for([
  [{ count: 0, failed: 0, longest: 0 }, { count: 0, failed: 0, longest: 0 }, null],
  [
    { count: 2, failed: 0, longest: 41.2 },
    { count: 2, failed: 0, longest: 41.2 },
    'held twice today, longest 41 s',
  ],
  [
    { count: 1, failed: 1, longest: 600 },
    { count: 9, failed: 1, longest: 3_700 },
    'held once today, longest 10m, I/O failed in 1; held 9 times since 2026-11-28, longest 1h1m40s, I/O failed in 1',
  ],
  [
    { count: 0, failed: 0, longest: 0 },
    { count: 3, failed: 0, longest: 2.5 },
    'not held today; held 3 times since 2026-11-28, longest 2.5 s',
  ],
] as const)('%j of %j', ([today, all, text]) => {
  expect(outagesText({ today, all, from: at })).toBe(text)
})

import { describe, expect, it } from 'vitest'

import { AgentLog } from '../../../src/agent/log.ts'
import { logWriter } from '../../../src/cli/operation/log-writer.ts'
import type { LogEntry } from '../../../src/model/log-entry.ts'
import { LINES_AT_ONCE } from '../../../src/model/log-entry.ts'

function logged() {
  const entries: LogEntry[] = []
  const lines: string[] = []
  const clock = { ms: 1_000 }
  const log = new AgentLog(
    (line, entry) => {
      lines.push(line)
      entries.push(entry)
    },
    () => clock.ms,
  )
  return { log, lines, entries, clock }
}

describe("the agent's log", () => {
  it('a change of state has volume, code, level and length', () => {
    const { log, lines, entries } = logged()
    log.say('db', 'all paths lost; holding I/O for up to 600 s', { code: 'outage-began' })
    log.say('db', 'I/O resumed after 41 s', { code: 'outage-ended', seconds: 41 })
    log.say(null, 'ready: 1 volume on hold maps')
    log.observer.warn!('db' as never, 'the hold is long')
    expect(lines).toEqual([
      'db: all paths lost; holding I/O for up to 600 s',
      'db: I/O resumed after 41 s',
      'ready: 1 volume on hold maps',
      'db: the hold is long',
    ])
    expect(entries).toMatchObject([
      { level: 'warn', code: 'outage-began', volume: 'db' },
      { level: 'info', code: 'outage-ended', seconds: 41 },
      { level: 'info', code: 'agent', volume: null },
      { level: 'warn', code: 'warning' },
    ])
  })

  it('a volume that says one kind of thing again and again is limited, others and other kinds are not', () => {
    const { log, lines, entries, clock } = logged()
    for (let n = 0; n < LINES_AT_ONCE + 25; n++) log.once('db', '10.0.0.5:3260', `attempt ${n}`)
    expect(lines).toHaveLength(LINES_AT_ONCE)
    log.say('db', 'held I/O fails', { code: 'hold-ended' })
    log.once('web', '10.0.0.5:3260', 'attempt 0')
    expect(lines.slice(LINES_AT_ONCE)).toEqual(['db: held I/O fails', 'web: attempt 0'])
    clock.ms += 61_000
    log.once('db', '10.0.0.5:3260', 'at last')
    log.once('db', '10.0.0.5:3260', 'too soon')
    expect(lines.at(-1)).toBe('db: at last (25 lines like this were left out)')
    expect(entries.at(-1)).toMatchObject({ code: 'path', suppressed: 25 })
    // After a quiet hour it may log as much as at first.
    clock.ms += 3_600_000
    for (let n = 0; n < LINES_AT_ONCE; n++) log.once('db', '10.0.0.5:3260', `again ${n}`)
    expect(lines.at(-1)).toBe(`db: again ${LINES_AT_ONCE - 1}`)
  })
})

describe('how a log is written', () => {
  const entry: LogEntry = {
    level: 'error',
    code: 'hold-ended',
    volume: 'db',
    message: 'held I/O fails\u001b[2J\nnow',
    seconds: 600,
  }
  const at = () => new Date('2026-11-28T12:00:00Z')
  function write(format: 'text' | 'json', level: 'info' | 'error', isJournal = false): string[] {
    const lines: string[] = []
    const writer = logWriter({ format, level }, (line) => lines.push(line), isJournal, at)
    writer.write(`db: ${entry.message}`, entry)
    writer.say('csi: ready')
    return lines
  }

  it('as text: one line, nothing that steers a terminal; for the journal with a priority', () => {
    expect(write('text', 'info')).toEqual([String.raw`db: held I/O fails\x1b[2J now`, 'csi: ready'])
    expect(write('text', 'info', true)).toEqual([
      String.raw`<3>db: held I/O fails\x1b[2J now`,
      '<6>csi: ready',
    ])
  })

  it('as JSON: one object a line, with the fields', () => {
    const [first, second] = write('json', 'info')
    for (const control of ['\u001b', '\n']) expect(first).not.toContain(control)
    expect(JSON.parse(first!)).toEqual({
      time: '2026-11-28T12:00:00.000Z',
      level: 'error',
      msg: entry.message,
      code: 'hold-ended',
      volume: 'db',
      seconds: 600,
    })
    expect(JSON.parse(second!)).toEqual({
      time: '2026-11-28T12:00:00.000Z',
      level: 'info',
      msg: 'csi: ready',
    })
  })

  it('what is less important than asked for is left out', () => {
    expect(write('text', 'error')).toHaveLength(1)
  })
})

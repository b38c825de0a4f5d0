import { array, assert, constantFrom, integer, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'

import { COMMANDS } from '../../../../src/cli/commands.ts'
import { errorText } from '../../../../src/cli/output/error.ts'
import { displayOf, PLAIN } from '../../../../src/cli/output/display.ts'
import { oneLine, printable, printableData, printableJson } from '../../../../src/model/printable.ts'
import { openTerminal } from '../../../../src/cli/output/terminal.ts'
import { logSteps, showProgress } from '../../../../src/cli/operation/progress.ts'
import type { StepName } from '../../../../src/volumes/step.ts'
import { LunkeeperError } from '../../../../src/model/errors.ts'
import { parseName } from '../../../../src/model/name.ts'
import { away, volume } from '../fixture-volumes.ts'

/** Any sequence of UTF-16 units, including surrogate halves, and what terminals obey. */
const text = oneof(
  string({ unit: 'binary' }),
  string({ unit: integer({ min: 0, max: 0xff_ff }).map((unit) => String.fromCharCode(unit)) }),
  array(
    constantFrom(
      '\u001b[2J',
      '\u001b]0;x\u0007',
      '\u009b31m',
      '\r',
      '\n',
      '\u007f',
      '\u202e',
      '\u2066',
      '\u2028',
      '\ud800',
      '\u{e0041}',
      '\u200b',
      'a',
    ),
  ).map((parts) => parts.join('')),
)

// oxlint-disable-next-line no-control-regex
const COLOUR = /\u001b\[\d+m/g
/** Nothing but visible characters, and the printer's own line ends and colours. */
function expectClean(shown: string): void {
  expect(shown.replace(COLOUR, '')).not.toMatch(/[^\P{C}\n\p{Co}\p{Cn}]|[\p{Zl}\p{Zp}]/u)
  expect(shown.isWellFormed()).toBe(true)
}

/** Words that the program itself chooses, and on which it bases decisions. */
const OURS = new Set([
  'state',
  'severity',
  'mode',
  'how',
  'what',
  'ended',
  'code',
  'sessionState',
  'diskState',
  'guard',
  'verdict',
  'witnesses',
])

/** The same data with `hostile` in every text that comes from outside. */
function spoiled(data: unknown, hostile: string): unknown {
  if (typeof data === 'string') return `${data}${hostile}`
  if (Array.isArray(data)) return data.map((one) => spoiled(one, hostile))
  if (data === null || typeof data !== 'object') return data
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, OURS.has(key) ? value : spoiled(value, hostile)]),
  )
}

const session = {
  sid: 3,
  iqn: 'iqn.2024-01.example:db',
  portal: '10.0.0.5:3260',
  state: 'LOGGED_IN',
  recoveryTmo: 600,
  scan: 'manual',
  disks: [{ hctl: '3:0:0:5', lun: 5, disk: 'sdb', state: 'running', owner: 'phantom' }],
}
const owner = {
  name: 'db',
  guard: 'reservation',
  mine: false,
  holder: 'iqn.2024-01.example:node-b',
  key: '0x4c4baaaaaaaa0001',
  registered: [
    {
      key: '0x4c4bbbbbbbbb0001',
      initiator: 'iqn.2024-01.example:node-b',
      by: 'another node',
      isHolder: true,
    },
  ],
  witnesses: { reservation: 'lost', kubernetes: 'none', mark: 'same', record: 'ready' },
  verdict: 'lost',
  why: 'the target has reserved it for key 0x4c4bbbbbbbbb0001',
}
const finding = {
  code: 'FS_BROKEN',
  severity: 'critical',
  subject: 'db',
  message: '/srv/db takes no writes',
  evidence: { mount: '/srv/db' },
  fix: 'Stop its users.',
}
const repair = { code: 'PHANTOMS', action: 'removes sdc', done: false, error: 'it is busy' }
const outage = {
  lostAt: '2026-08-28T18:13:29Z',
  lostUptime: null,
  noticed: { how: 'closed', code: 1020, words: 'the target closed the connection' },
  timer: 120,
  timerInferred: false,
  expiredAt: '2026-08-28T18:15:29Z',
  expiredUptime: null,
  backAt: null,
  backUptime: null,
  ended: 'unseen',
  attempts: 3,
  seconds: null,
  awayAtLeast: 300,
  ioErrors: 7,
  devices: ['sdb', 'dm-0'],
  fileSystems: [
    { device: 'dm-0', type: 'ext4', what: 'journal aborted', at: '2026-08-28T18:15:30Z', uptime: null },
  ],
  survived: false,
  prevention: { holdSeconds: 400, known: true, words: 'a hold of 400 s' },
}
const story = {
  host: 'node-a',
  boot: 1,
  session: 1,
  connection: 2,
  portal: '10.0.0.5:3260',
  iqn: session.iqn,
  outages: [outage],
  left: 2,
}
const span = { from: outage.lostAt, to: outage.expiredAt, fromUptime: null, toUptime: null }
const cause = {
  host: 'node-a',
  boot: 1,
  kind: 'medium-error',
  subject: 'sdb',
  what: 'the device could not read a sector',
  advice: 'replace the disk',
  count: 2,
  ioErrors: 1,
  fileSystems: outage.fileSystems,
  firstAt: outage.lostAt,
  firstUptime: null,
  lastAt: null,
  lastUptime: 12,
  detail: 'critical medium error, dev sdb',
}
const input = {
  name: 'kern.log',
  lines: 12,
  understood: false,
  firstUnread: { number: 1, text: 'what is this' },
  missed: 3,
  problem: null,
  span,
}
const removed = { mounts: ['/srv/db'], maps: ['lunkeeper-db'], disks: ['sdb'], sessions: [3] }

/** All history events that contain text from outside. */
const HAPPENINGS = [
  {
    event: 'hold-ended',
    since: outage.lostAt,
    how: 'fenced',
    seconds: 1,
    holder: 'iqn.x:b',
    trouble: 'taken by iqn.x:b',
  },
  { event: 'trouble', kind: 'stranger', text: 'serial x is not y' },
  {
    event: 'attached',
    mode: 'map',
    device: '/dev/sdb',
    mount: '/srv/db',
    bytes: 1,
    directory: null,
    tookOver: true,
  },
  { event: 'repaired', code: 'PHANTOMS', action: 'remove sdc', error: 'it is busy' },
  { event: 'agent-started', version: '1' },
]

const DB = parseName('db')

/** What each command can return. */
const RESULTS: Readonly<Record<string, readonly unknown[]>> = {
  attach: [volume(), { $schema: 'x' }],
  detach: [{ name: 'db', removed, left: ['disk sdb'] }],
  volumes: [[volume(), away], away],
  hold: [volume(), [away]],
  top: [
    {
      volumes: [volume(), away],
      mounts: [{ volume: 'db', point: '/srv/db', fs: 'ext4', readOnly: false, pod: null }],
      corrupt: ['db.json is not JSON'],
    },
  ],
  sessions: [[session, { ...session, portal: null, scan: null }]],
  owner: [owner, { ...owner, registered: [], holder: null, key: null }],
  doctor: [{ findings: [finding], repairs: [repair, { ...repair, error: null }] }],
  explain: [
    { sessions: [story], causes: [cause], inputs: [input], lines: 12, span },
    {
      sessions: [],
      causes: [],
      inputs: [input, { ...input, understood: true }, { ...input, problem: 'is cut off' }],
      lines: 12,
      span,
    },
  ],
  history: [
    {
      volumes: [
        {
          name: 'db',
          today: { count: 1, failed: 1, longest: 600 },
          all: { count: 2, failed: 1, longest: 600 },
          from: outage.lostAt,
        },
      ],
      outages: [],
      events: HAPPENINGS.map((happening) => ({
        at: outage.lostAt,
        boot: 'ab',
        ms: 1,
        volume: 'db',
        by: { via: 'cli', command: 'hold', user: 'alice' },
        ...happening,
      })),
      unreadable: 1,
    },
  ],
  expand: [{ name: 'db', expanded: { from: 1, to: 2 } }],
}

describe('text from outside is escaped', () => {
  test.each(COMMANDS.map((command) => command.name))('in the output of `%s`', (name) => {
    const command = COMMANDS.find((one) => one.name === name)!
    if (command.isDocument || ['agent', 'controller'].includes(name)) return
    expect(RESULTS[name], `what ${name} returns belongs here`).toBeDefined()
    assert(
      property(text, (hostile) => {
        for (const result of RESULTS[name]!) {
          const data = spoiled(result, hostile)
          for (const look of [PLAIN, { ...displayOf({ isTTY: true, columns: 60 }, { FORCE_COLOR: '1' }) }])
            expectClean(command.text(printableData(data), look))
        }
      }),
      { numRuns: 60 },
    )
  })

  test('in errors, hints and their causes', () =>
    assert(
      property(text, (hostile) => {
        const cause = new Error(hostile)
        const error = new LunkeeperError('MOUNT_FAILED', hostile, { hint: hostile, cause })
        expectClean(errorText(error, PLAIN, true))
        const mistake = new LunkeeperError('INTERNAL', hostile, { cause })
        expectClean(errorText(mistake, PLAIN, true))
        expect(errorText(error, PLAIN).split('\n')).toHaveLength(3)
      }),
    ))

  test('in step lines and the status line', async () => {
    const written: string[] = []
    const stream = { isTTY: true, columns: 80, write: (one: string) => written.push(one), on: () => {} }
    const terminal = openTerminal(stream)
    const step = 'login' as StepName
    assert(
      property(text, (hostile) => {
        void logSteps(terminal).end?.(DB, step, hostile, 1)
        terminal.status(`logging in (${hostile})`)
        terminal.status(null)
      }),
    )
    using progress = showProgress(terminal)
    await progress.observer.begin?.(DB, step, 'x')
    // oxlint-disable-next-line no-control-regex
    for (const one of written) expectClean(one.replaceAll(/\r\u001b\[K/g, ''))
  })

  test('in a line of a log or a warning', () =>
    assert(
      property(text, (hostile) => {
        expectClean(oneLine(hostile))
        expect(oneLine(hostile)).not.toContain('\n')
      }),
    ))

  test('in JSON, without a change of the value', () =>
    assert(
      property(text, (hostile) => {
        const data = { [hostile]: [hostile] }
        expectClean(printableJson(data))
        expect(JSON.parse(printableJson(data))).toEqual(data)
      }),
    ))
})

test('printable text is unchanged, and nothing is escaped twice', () => {
  expect(printable('Größe 12 µm, 日本, 😀')).toBe('Größe 12 µm, 日本, 😀')
  expect(printable('a\u001b[2J\u202eb\ud800\n')).toBe('a\\x1b[2J\\u202eb\\ud800\\n')
  expect(printable(printable('\u0007'))).toBe('\\x07')
})

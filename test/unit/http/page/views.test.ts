import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { h } from '../../../../src/http/page/element.ts'
import { eventReader } from '../../../../src/http/page/event-reader.ts'
import type { Documents, Ui } from '../../../../src/http/page/model.ts'
import { INITIAL_UI, EMPTY_MODEL } from '../../../../src/http/page/model.ts'
import { announcement } from '../../../../src/http/page/view/announcement.ts'
import { fixParts } from '../../../../src/http/page/view/fix-parts.ts'
import { page, titleOf } from '../../../../src/http/page/view/page.ts'
import { windowOf } from '../../../../src/http/page/view/timeline.ts'
import { byUrgency } from '../../../../src/model/urgency.ts'
import { summaryOf } from '../../../../src/http/page/view/summary.ts'
import { clockText, countdownText, duration } from '../../../../src/http/page/view/time.ts'
import { at, calm, many, mount, path, trouble, volume } from '../../../page/models.ts'
import { find, textOf } from './markup.ts'

const NOW = Date.parse('2026-11-28T03:12:00.000Z')
const ui: Ui = { ...INITIAL_UI, nowMs: NOW, connection: 'live' }
const shown = (model: Documents, change: Partial<Ui> = {}) => page(model, { ...ui, ...change })

describe('durations', () => {
  it.each([
    [0, '0 s'],
    [1, '1 s'],
    [59_001, '1 min 00 s'],
    [252_000, '4 min 12 s'],
    [7_500_000, '2 h 05 min'],
    [86_400_000, '1 d 00 h'],
    [-5, '0 s'],
  ])('%s ms is %s', (ms, text) => expect(duration(ms)).toBe(text))

  it('a countdown ends with "now"', () => {
    expect(countdownText(1)).toBe('in 1 s')
    expect(countdownText(0)).toBe('now')
    expect(countdownText(-60_000)).toBe('now')
  })

  it('a time on another day is shown with its date', () => {
    expect(clockText(NOW, NOW)).toMatch(/^\d\d:\d\d:\d\d$/)
    expect(clockText(NOW - 48 * 3_600_000, NOW)).toMatch(/^2026-11-2\d \d\d:\d\d:\d\d$/)
  })
})

describe('the summary', () => {
  it('names the problem and the next failure', () => {
    expect(summaryOf(trouble(NOW))).toMatchObject({
      tone: 'bad',
      headline: 'I/O of backup fails; I/O of 2 volumes is held',
      next: [
        { volume: 'db', deadline: at(NOW, 252) },
        { volume: 'orders', deadline: null },
      ],
    })
    expect(textOf(shown(trouble(NOW)))).toContain('I/O of db fails in 4 min 12 s')
  })

  it('says that all volumes are ready', () => {
    expect(summaryOf(calm(NOW))).toEqual({ tone: 'good', headline: 'All 4 volumes are ready', next: [] })
    expect(textOf(shown(calm(NOW)))).not.toContain('Needs attention')
    expect(titleOf(calm(NOW))).toBe('node-7')
  })

  it('mentions warnings and critical findings if all volumes are ready', () => {
    const [critical, warning] = trouble(NOW).findings
    expect(summaryOf({ ...calm(NOW), findings: [warning!] })).toMatchObject({
      tone: 'wait',
      headline: 'All 4 volumes are ready, with 1 warning',
    })
    expect(summaryOf({ ...calm(NOW), findings: [critical!] })).toMatchObject({
      tone: 'bad',
      headline: '1 critical finding',
    })
  })

  it('puts a problem of the agent first', () => {
    const node = { ...trouble(NOW).node, problem: 'no volume was checked for 60 s' }
    expect(summaryOf({ ...trouble(NOW), node })).toMatchObject({
      tone: 'bad',
      headline: expect.stringContaining('no volume was checked'),
    })
  })

  it('has a text before the first reading, and for a node without volumes', () => {
    expect(summaryOf(EMPTY_MODEL).tone).toBe('idle')
    expect(summaryOf({ ...calm(NOW), volumes: [] })).toMatchObject({ headline: 'No volumes on this node' })
    expect(textOf(page(EMPTY_MODEL, INITIAL_UI))).toContain('Reading the node')
  })

  it('volumes are sorted: failing ones, then held ones by deadline, then by name', () => {
    const soon = volume('z', { state: 'holding', hold: { ...volume('z').hold, deadline: at(NOW, 5) } })
    const late = volume('a', { state: 'holding', hold: { ...volume('a').hold, deadline: at(NOW, 50) } })
    const order = byUrgency([volume('v10'), late, volume('v9'), soon, volume('m', { state: 'failed' })])
    expect(order.map(({ name }) => name)).toEqual(['m', 'z', 'a', 'v9', 'v10'])
  })
})

describe('the page', () => {
  it('every countdown has the deadline from which the browser counts', () => {
    const counts = find(shown(trouble(NOW)), '.count').flatMap(
      ({ attributes }) => attributes['data-deadline'] ?? [],
    )
    expect(counts.length).toBeGreaterThanOrEqual(3)
    expect(new Set(counts)).toEqual(new Set([String(NOW + 252_000)]))
  })

  it('changes are offered only if the agent accepts them', () => {
    const actions = (model: Documents) =>
      find(shown(model), 'button').flatMap(({ attributes }) => attributes['data-action'] ?? [])
    expect(actions(trouble(NOW))).toEqual([])
    expect(actions(trouble(NOW, { changes: true }))).toEqual([
      'token',
      'hold',
      'give-up',
      'hold',
      'give-up',
      'fix',
    ])
  })

  it('the I/O path shows session, disk, map and mount, and disks without an owner', () => {
    const text = textOf(find(shown(trouble(NOW)), '.ways'))
    for (const station of ['10.0.0.5:3260', 'sdb', 'lunkeeper-orders', '/globalmount', '0f6a2c1e'])
      expect(text).toContain(station)
    expect(text).toContain('3 disks without an owner (sdx, sdy, sdz)')
  })

  it('a volume without a map, a mount or a device is shown as such', () => {
    const model = {
      ...calm(NOW),
      mounts: [],
      volumes: [
        volume('raw', { mount: null, fs: null, hold: { ...volume('raw').hold, mode: 'session' } }),
        volume('gone', {
          device: null,
          mount: null,
          state: 'failed',
          paths: [path(0, { session: null, disk: null, hctl: null })],
        }),
      ],
    }
    const text = textOf(find(shown(model), '.ways'))
    for (const words of ['no map', 'raw device', 'no session', 'no disk', 'no device', 'no map now'])
      expect(text).toContain(words)
  })

  it('a mount and several pods of one volume are drawn side by side', () => {
    const model = {
      ...calm(NOW),
      mounts: ['a', 'b'].map((pod) => mount('db', { pod, point: `/pods/${pod}` })),
    }
    expect(find(shown(model), '.pod').map((one) => textOf([one]))).toEqual(['✓apod', '✓bpod'])
  })

  it('of many targets, those with a problem are open, unless the user decides otherwise', () => {
    const model = many(NOW)
    expect(find(shown(model), '.ways')).toHaveLength(1)
    const iqn = model.volumes[1]!.paths[0]!.iqn
    expect(find(shown(model, { open: { [iqn]: true } }), '.ways')).toHaveLength(2)
    expect(find(shown(model), '.card')).toHaveLength(12)
  })

  it('the filter matches names, states, targets and mounts, and requires all its words', () => {
    const rows = (filter: string) => find(shown(many(NOW), { filter }), 'tr').length - 1
    expect(rows('')).toBe(200)
    expect(rows('volume-19')).toBe(11)
    expect(rows('HOLDING')).toBe(25)
    expect(rows('san-1 volume-9')).toBe(2)
    expect(rows('nothing-like-it')).toBe(0)
  })

  it('a refused client gets the reason, and nothing about the node', () => {
    const elements = shown(trouble(NOW), { connection: 'refused', reason: 'use ssh -L' })
    expect(textOf(elements)).toContain('use ssh -L')
    expect(textOf(find(elements, 'main'))).not.toContain('db')
  })
})

describe('the outages', () => {
  it('are drawn for at least an hour and at most a day', () => {
    const hours = (outages: Documents['outages']) => {
      const { from, to } = windowOf(outages, NOW)
      return (to - from) / 3_600_000
    }
    const [mail] = trouble(NOW).outages
    expect(hours([])).toBe(1)
    expect(hours([{ ...mail!, since: at(NOW, -10 * 3_600) }])).toBeCloseTo(10.5)
    expect(hours([{ ...mail!, since: at(NOW, -90 * 3_600) }])).toBe(24)
  })

  it('have visible bars, which stay within the drawing', () => {
    const since = at(NOW, -2)
    const outages = [
      {
        volume: 'db',
        since,
        failed: at(NOW, -1.5),
        reason: 'deadline',
        until: at(NOW, -1),
        seconds: 1,
      } as const,
    ]
    const bars = find(shown({ ...calm(NOW), outages }), 'rect').filter(
      ({ attributes }) => attributes['class'] !== 'bed',
    )
    expect(bars).toHaveLength(2)
    for (const { attributes } of bars) {
      expect(Number(attributes['width'])).toBeGreaterThanOrEqual(3)
      expect(Number(attributes['x']) + Number(attributes['width'])).toBeLessThanOrEqual(1000)
    }
  })
})

describe('announcements', () => {
  it('name changed states and the deadline, and nothing else', () => {
    const before = calm(NOW).volumes
    expect(announcement(null, before, NOW)).toBeNull()
    const waiting = [
      { ...before[0]!, hold: { ...before[0]!.hold, waiting: { bytes: 1, of: 'node' as const } } },
    ]
    expect(announcement(before.slice(0, 1), waiting, NOW)).toBeNull()
    const held = {
      ...before[0]!,
      state: 'holding' as const,
      hold: { ...before[0]!.hold, deadline: at(NOW, 600) },
    }
    expect(announcement(before, [held, ...before.slice(1)], NOW)).toBe(
      'db: I/O is held until the target returns; otherwise it fails in 10 min 00 s.',
    )
    expect(announcement(before, before.slice(1), NOW)).toBe('db: detached.')
    const isNew = { ...held, hold: { ...held.hold, deadline: null, effective: 120 } }
    expect(announcement(before, [isNew, ...before.slice(1)], NOW)).toBe(
      'db: I/O is held until the target returns, for up to 2m.',
    )
  })

  it('give numbers if many volumes change at once', () => {
    const before = many(NOW).volumes
    const after = before.map((one) => ({ ...one, state: 'ready' as const }))
    expect(announcement(before, after, NOW)).toBe('25 volumes changed: 25 ready.')
  })
})

describe('commands in a fix', () => {
  it.each([
    ['systemctl start iscsid', ['systemctl start iscsid']],
    ['Run lunkeeper doctor --fix.', ['lunkeeper doctor --fix']],
    [
      'Stop the users of /srv/db, run lunkeeper detach db, then attach again: the file system is checked.',
      ['lunkeeper detach db'],
    ],
    ['Stop its users on this node, then: lunkeeper detach db --force', ['lunkeeper detach db --force']],
    [
      'If it is not in use: dmsetup message lunkeeper-x 0 fail_if_no_path, then dmsetup remove lunkeeper-x.',
      ['dmsetup message lunkeeper-x 0 fail_if_no_path', 'dmsetup remove lunkeeper-x'],
    ],
    [
      'Bring the target back. `lunkeeper hold db --set 2h` extends it; `lunkeeper hold db --give-up` fails the I/O.',
      ['lunkeeper hold db --set 2h', 'lunkeeper hold db --give-up'],
    ],
    ['umount /srv/x; vgchange -an vg; then activate it again', ['umount /srv/x', 'vgchange -an vg']],
    ['Bring the target back and stop the users of the volume.', []],
  ])('%s', (fix, commands) => {
    const parts = fixParts(fix)
    expect(parts.filter(({ kind }) => kind === 'command').map(({ text }) => text)).toEqual(commands)
    expect(parts.map(({ text }) => text).join('')).toBe(fix.replaceAll('`', ''))
  })

  it('do not include words of the sentence, in any fix of doctor', () => {
    const directory = join(import.meta.dirname, '../../../../src/doctor/checks')
    const fixes = readdirSync(directory).flatMap((file) => [
      ...readFileSync(join(directory, file), 'utf8').matchAll(/(?:fix: |FIX =\s*|\? |: )(['`])(.+?)\1[,\n]/g),
    ])
    expect(fixes.length).toBeGreaterThan(12)
    for (const [, , fix] of fixes)
      for (const { kind, text } of fixParts(fix!))
        if (kind === 'command')
          expect(text, fix).not.toMatch(/ (?:[a-z]+ ){5}|[.,:;]$| (?:then|and|or|which)\b/)
  })
})

describe('elements', () => {
  it('leave out false and null, and combine adjacent texts', () => {
    expect(
      h('p', { id: null, hidden: false, class: 'x' }, 'a', null, ['b', [false, 'c']], h('b'), ''),
    ).toEqual({
      tag: 'p',
      attributes: { class: 'x' },
      children: ['abc', { tag: 'b', attributes: {}, children: [] }],
    })
  })
})

describe('server-sent events', () => {
  it('are parsed however they are split', () => {
    const text = ': hello\n\nevent: clock\ndata: {"now":"x"}\n\nevent: volumes\ndata: []\n\n'
    const whole = [
      { name: 'clock', data: '{"now":"x"}' },
      { name: 'volumes', data: '[]' },
    ]
    for (let cut = 0; cut <= text.length; cut++) {
      const read = eventReader()
      expect([...read(text.slice(0, cut)), ...read(text.slice(cut))]).toEqual(whole)
    }
  })
})

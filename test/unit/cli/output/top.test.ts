import { EventEmitter } from 'node:events'

import { describe, expect, it } from 'vitest'

import { openScreen } from '../../../../src/cli/operation/screen.ts'
import { PLAIN } from '../../../../src/cli/output/display.ts'
import type { TopState } from '../../../../src/cli/output/top.ts'
import { topText } from '../../../../src/cli/output/top.ts'
import type { HoldStatus } from '../../../../src/model/attachment.ts'
import { volume } from '../fixture-volumes.ts'

const NOW = Date.parse('2026-11-28T03:12:00.000Z')
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString()
const { hold, paths } = volume()

const held = (name: string, deadline: string | null, more: Partial<HoldStatus> = {}) =>
  volume({
    name,
    state: 'holding',
    hold: { ...hold, since: at(-100), deadline, waiting: { bytes: 41 << 20, of: 'volume' }, ...more },
    paths: [{ ...paths[0]!, sessionState: 'FAILED' }],
  })

const state: TopState = {
  volumes: [
    volume({ name: 'mail' }),
    held('late', at(500)),
    held('db', at(252)),
    held('forever', null, { wanted: 'forever', effective: 'forever' }),
    volume({ name: 'lost', state: 'failed', hold: { ...hold, effective: 60, since: at(-9_600) } }),
  ],
  mounts: [
    { volume: 'db', point: '/srv/db', fs: 'ext4', readOnly: false, pod: null },
    { volume: 'db', point: '/pods/a', fs: 'ext4', readOnly: false, pod: 'a' },
    { volume: 'db', point: '/pods/b', fs: 'ext4', readOnly: false, pod: 'b' },
  ],
  corrupt: [],
}

const lines = (width: number, rows?: number, shown = state) =>
  topText(shown, { ...PLAIN, width }, rows, NOW)
    .trimEnd()
    .split('\n')

describe('top', () => {
  it('failed volumes come first, then held ones by deadline, each with what happens next', () => {
    const [summary, , ...rows] = lines(Number.POSITIVE_INFINITY)
    expect(summary).toMatch(/^lunkeeper \d\d:\d\d:\d\d {2}1 failed, 3 holding, 1 ready$/)
    expect(rows.join('\n')).toMatchInlineSnapshot(`
      "NAME     STATE    NEXT                  UNWRITTEN  PATHS  HOLD               USED BY
      lost     failed   paths lost 2h40m ago          -    1/1  10m, effective 1m  /srv/db
      db       holding  I/O fails in 4m12s       41 MiB    0/1  10m                2 pods, /srv/db
      late     holding  I/O fails in 8m20s       41 MiB    0/1  10m                /srv/db
      forever  holding  held without a limit     41 MiB    0/1  forever            /srv/db
      mail     ready    -                             -    1/1  10m                /srv/db"
    `)
  })

  it('an outage whose deadline is not known yet has a limit', () => {
    const isNew = held('new', null, { since: null, effective: 120 })
    expect(lines(Number.POSITIVE_INFINITY, undefined, { ...state, volumes: [isNew] }).at(-1)).toContain(
      'held for up to 2m ',
    )
  })

  it.each([20, 40, 60, 80, 100, 132])('no line is longer than a screen of %s columns', (width) => {
    for (const line of lines(width)) expect(line.length).toBeLessThanOrEqual(width)
  })

  it('a narrow screen keeps the deadline', () => {
    expect(lines(44).find((line) => line.startsWith('db'))).toMatch(/holding +I\/O fails in 4m12s/)
  })

  it('volumes that do not fit on the screen are counted, and the most urgent are shown', () => {
    const found = lines(100, 7)
    expect(found).toHaveLength(7)
    expect(found[3]).toContain('lost')
    expect(found.at(-1)).toBe('… and 2 more')
    expect(lines(100, 8)).toHaveLength(8)
    expect(lines(100, 1).length).toBeGreaterThan(0)
  })

  it('a corrupt record is reported, as is a node without volumes', () => {
    const found = lines(80, 24, { volumes: [], mounts: [], corrupt: ['half.json is not JSON'] })
    expect(found[0]).toContain('no volumes on this node')
    expect(found).toContain('half.json is not JSON')
  })

  it('a coloured line is cut without breaking escape sequences', () => {
    const paint = (_: unknown, text: string) => `\u001b[31m${text}\u001b[39m`
    const text = topText(state, { width: 30, paint }, 24, NOW)
    for (const line of text.split('\n'))
      // oxlint-disable-next-line no-control-regex -- the colours above
      expect(line.replaceAll(/\u001b\[\d+m/g, '').length).toBeLessThanOrEqual(30)
  })
})

describe('the screen', () => {
  class Terminal extends EventEmitter {
    readonly isTTY = true
    columns = 80
    rows = 24
    written = ''
    isRaw = false
    write(text: string) {
      this.written += text
    }
    setRawMode(raw: boolean) {
      this.isRaw = raw
    }
    resume() {}
    pause() {}
  }
  const LEFT = '\u001b[?25h\u001b[?1049l'

  function open() {
    const [output, keyboard] = [new Terminal(), new Terminal()]
    let [leaves, resizes] = [0, 0]
    const screen = openScreen(output, keyboard, { onLeave: () => leaves++, onResize: () => resizes++ })
    return { output, keyboard, screen, leaves: () => leaves, resizes: () => resizes }
  }

  it('restores the terminal once', () => {
    const { output, keyboard, screen } = open()
    expect(keyboard.isRaw).toBe(true)
    screen.draw('one\ntwo\n')
    expect(output.written).toContain('\u001b[Hone\u001b[K\r\ntwo\u001b[K\u001b[J')
    screen[Symbol.dispose]()
    screen[Symbol.dispose]()
    expect(output.written.split(LEFT)).toHaveLength(2)
    expect(output.written.endsWith(LEFT)).toBe(true)
    expect(keyboard.isRaw).toBe(false)
    screen.draw('late')
    expect(output.written).not.toContain('late')
  })

  it('restores the terminal when the process ends', () => {
    const { output, screen } = open()
    const listeners = process.listeners('exit').length
    process.listeners('exit').at(-1)!(1)
    expect(output.written.endsWith(LEFT)).toBe(true)
    screen[Symbol.dispose]()
    expect(process.listeners('exit')).toHaveLength(listeners - 1)
  })

  it('is left by q, Ctrl-C and signals only, and removes its listeners', () => {
    const before = process.listenerCount('SIGTERM')
    const { output, keyboard, screen, leaves, resizes } = open()
    keyboard.emit('data', Buffer.from('x'))
    expect(leaves()).toBe(0)
    keyboard.emit('data', Buffer.from('q'))
    keyboard.emit('data', Buffer.from([3]))
    process.emit('SIGTERM')
    expect(leaves()).toBe(3)
    output.emit('resize')
    expect(resizes()).toBe(1)
    screen[Symbol.dispose]()
    expect(process.listenerCount('SIGTERM')).toBe(before)
    expect([output.listenerCount('resize'), keyboard.listenerCount('data')]).toEqual([0, 0])
  })
})

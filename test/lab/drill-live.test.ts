import { PassThrough } from 'node:stream'

import { expect, test, vi } from 'vitest'

import type { Moment } from '../../lab/drill/node-down/drill.ts'
import { live } from '../../lab/drill/node-down/live.ts'
import { BROKE, drillOf, KILLED, SURVIVED } from './fixture-drill.ts'

/** A screen, or a file if `columns` is null, and everything that was written to it. */
function screen(columns: number | null) {
  let text = ''
  const out = Object.assign(new PassThrough(), columns === null ? {} : { isTTY: true, columns })
  out.on('data', (bytes: Buffer) => void (text += bytes.toString()))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it uses of a terminal is here
  return { out: out as unknown as NodeJS.WriteStream, text: () => text }
}

/** The state of the drill this many seconds into the outage. */
function momentAt(second: number): Moment {
  const now = KILLED + second * 1000
  vi.setSystemTime(now)
  const drill = drillOf(BROKE)
  const until = <T extends { at: number }>(all: readonly T[]) => all.filter(({ at }) => at <= now)
  const writer = ({ acknowledged, refused }: typeof BROKE) => ({
    acknowledged: until(acknowledged),
    refused: until(refused),
  })
  const moment = {
    plan: drill.plan,
    mode: drill.mode,
    killed: second < 0 ? null : drill.killed,
    back: second < 25 ? null : drill.back,
    watch: { sessions: { stock: until(BROKE.sessions), lunkeeper: until(SURVIVED.sessions) } },
    writers: { stock: writer(BROKE), lunkeeper: writer(SURVIVED) },
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of watch and writers, it is shown what they saw
  return moment as unknown as Moment
}

/** Shows the outage on a screen, four times a second. @returns the text on it after each requested `second` */
function show(columns: number | null, ...seconds: number[]): string[] {
  vi.useFakeTimers({ toFake: ['Date'], now: KILLED - 3000 })
  const { out, text } = screen(columns)
  const audience = live(out)
  const seen: string[] = []
  audience.phase('both write')
  for (let second = -2; second <= 30; second += 0.25) {
    audience.pulse(momentAt(second))
    if (seconds.includes(second)) seen.push(text())
  }
  vi.useRealTimers()
  return [...seen, text()]
}

const lastLines = (text: string) =>
  text
    .split('\u001b[2K')
    .slice(-3)
    .map((line) => line.trimEnd())

test('on a terminal, three lines say who serves, who writes, who waits and who is broken', () => {
  vi.stubEnv('NO_COLOR', '1')
  const [early, late] = show(120, 10, 20)
  expect(lastLines(early!)).toEqual([
    '  Storage machine   dead for 10.0 s of 25 s',
    '  Stock open-iscsi  … waits 10.0 s               session lost, its timer runs     0 errors     7 blocks',
    '  Lunkeeper         … waits 10.0 s               session lost                     0 errors     7 blocks',
  ])
  expect(lastLines(late!)[1]).toBe(
    '  Stock open-iscsi  ✗ broken (EROFS) 8.0 s       session lost, its timer ran out  17 errors    7 blocks',
  )
  vi.unstubAllEnvs()
})

test('no line wraps on a narrow terminal, colours or not', () => {
  vi.stubEnv('FORCE_COLOR', '1')
  const text = show(60).at(-1)!
  // oxlint-disable-next-line no-control-regex
  const plain = text.replaceAll(/\u001b\[[\d;]*[mKA]/g, '')
  for (const line of plain.split('\n')) expect(line.length).toBeLessThan(60)
  expect(text).toContain('\u001b[31m✗ broken')
  // each time except the first, it moves back over the three lines
  expect(text.split('\u001b[3A').length).toBe(text.split('Storage machine').length - 1)
  vi.unstubAllEnvs()
})

test('in a file there is a line for each change, and none besides', () => {
  const lines = show(null).at(-1)!.trim().split('\n')
  // oxlint-disable-next-line no-control-regex
  expect(lines.join('')).not.toMatch(/\u001b/)
  expect(lines.filter((line) => line.includes('Stock'))).toEqual([
    '   1 s  Stock open-iscsi: writes, session logged in',
    '   4 s  Stock open-iscsi: waits, session logged in',
    '   5 s  Stock open-iscsi: waits, session lost, its timer runs',
    '  15 s  Stock open-iscsi: broken (EIO), session lost, its timer ran out',
    '  29 s  Stock open-iscsi: broken (EROFS), session logged in',
  ])
  expect(lines.length).toBeLessThan(15)
})

test('in a file there is a sign of life twice a minute where nothing changes', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: KILLED + 3000 })
  const { out, text } = screen(null)
  const audience = live(out)
  const moment = momentAt(3)
  for (let second = 3; second <= 73; second++) {
    vi.setSystemTime(KILLED + second * 1000)
    audience.pulse(moment)
  }
  vi.useRealTimers()
  expect(text().match(/Storage machine: dead for \S+ s of 25 s/g)).toEqual([
    'Storage machine: dead for 33.0 s of 25 s',
    'Storage machine: dead for 63.0 s of 25 s',
  ])
})

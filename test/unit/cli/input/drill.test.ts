import { expect, test } from 'vitest'

import { debians } from '../../../../lab/debian/packages.ts'
import { STORIES } from '../../../../lab/drill/series.ts'
import { TRUE_TIMERS } from '../../../../lab/drill/node-down/plan.ts'
import { drillResult } from '../../../../src/cli/input/drill-result.ts'
import { DRILL_OPTIONS, drillRequest } from '../../../../src/cli/input/drill-request.ts'

const USAGE = expect.objectContaining({ code: 'USAGE' })

test('fields of absent flags are left to the lab', () => {
  expect(drillRequest({})).toEqual({ report: 'drill-report.html', trueTime: false })
  expect(drillRequest({ outage: '60', takeover: 'address', report: 'r.html' })).toEqual({
    outage: 60,
    takeover: 'address',
    report: 'r.html',
    trueTime: false,
  })
})

test('--true-time runs every stock timer, or the chosen one', () => {
  expect(drillRequest({ 'true-time': true })).toMatchObject({ trueTime: true })
  expect(drillRequest({ 'true-time': true, timer: '400' })).toMatchObject({ trueTime: 400 })
})

test.each([
  { timer: '120' },
  { 'true-time': true, outage: '60' },
  { story: 'split', 'true-time': true },
  { story: 'split', takeover: 'same' },
  { outage: 'long' },
  { outage: '' },
  { outage: '-5' },
  { outage: '1e3' },
])('a wrong request is refused before anything is started: %j', (options) => {
  expect(() => drillRequest(options)).toThrow(USAGE)
})

test('the choices of the flags are those of the lab', () => {
  const choices = Object.fromEntries(
    DRILL_OPTIONS.flatMap((option) => ('choices' in option ? [[option.name, option.choices]] : [])),
  )
  expect(choices['timer']).toEqual(TRUE_TIMERS.map(String))
  expect(choices['debian']).toEqual(debians)
  expect(choices['story']).toEqual(STORIES)
})

const answer = (said: unknown) => drillResult({ stdout: JSON.stringify(said), code: 0, signal: null })

test('a drill without a result is DRILL_FAILED; a request that the lab refuses is USAGE', () => {
  expect(() => answer({ failed: 'no mirror' })).toThrow(
    expect.objectContaining({ code: 'DRILL_FAILED', message: 'no mirror' }),
  )
  expect(() => answer({ refused: 'too short' })).toThrow(USAGE)
})

test('a drill that was killed names the signal', () => {
  expect(() => drillResult({ stdout: '', code: null, signal: 'SIGTERM' })).toThrow(
    'without a result, by SIGTERM',
  )
})

test.each([{}, [], null, { drills: [{ ok: true }] }, { drills: 'none' }])(
  '%j is not a valid result',
  (said) => {
    expect(() => answer(said)).toThrow(expect.objectContaining({ code: 'DRILL_FAILED' }))
  },
)

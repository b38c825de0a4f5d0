import { expect, test } from 'vitest'
import { formatHold, limitText } from '../../../src/model/hold-text.ts'
import { longerHold, MAX_HOLD_S, parseDuration, parseHold } from '../../../src/model/hold.ts'
import { codeOf } from './code-of.ts'

test.each([
  ['300', 300],
  ['300s', 300],
  ['10m', 600],
  ['1h', 3600],
  ['31d', 31 * 86_400],
  ['0', 0],
  ['1h30m', 5400],
  ['1d1s', 86_401],
  ['forever', 'forever'],
])('%s', (text, hold) => {
  expect(parseHold(text)).toBe(hold)
})

test.each([0, 59, 90, 5400, 86_399, 90_061, MAX_HOLD_S, 'forever'] as const)(
  'what the program prints for %s is accepted',
  (hold) => {
    expect(parseHold(formatHold(hold))).toBe(hold)
  },
)

test('a hold that is too long is refused with the limit', () => {
  expect(() => parseHold('32d')).toThrow('"32d" is longer than the longest hold, 31 days')
  expect(() => parseDuration('32d', 'grace', 'x')).toThrow('the longest grace, 31 days')
})

const WRONG = [
  '',
  '-1',
  'off',
  '10 m',
  '1.5h',
  '10M',
  '32d',
  '999999999d',
  '1e3',
  ' 5',
  '5\n',
  's',
  '30m1h',
  '1h30',
]
test.each(WRONG)('%j is refused: the kernel would take what it does not understand for 0', (text) => {
  expect(codeOf(() => parseHold(text))).toBe('BAD_HOLD')
})

test('longerHold returns the longer of two holds', () => {
  expect(longerHold(5, 600)).toBe(600)
  expect(longerHold('forever', 600)).toBe('forever')
  expect(longerHold(600, 'forever')).toBe('forever')
  expect(longerHold(0, 0)).toBe(0)
})

test('a hold whose deadline is not known yet is not one without a limit', () => {
  expect(limitText('forever')).toBe('without a limit')
  expect(limitText(120)).toBe('for up to 2m')
})

import { expect, test } from 'vitest'
import { limitText } from '../../../src/model/hold-text.ts'
import { longerHold, parseHold } from '../../../src/model/hold.ts'
import { codeOf } from './code-of.ts'

test.each([
  ['300', 300],
  ['300s', 300],
  ['10m', 600],
  ['1h', 3600],
  ['31d', 31 * 86_400],
  ['0', 0],
  ['forever', 'forever'],
])('%s', (text, hold) => {
  expect(parseHold(text)).toBe(hold)
})

test.each(['', '-1', 'off', 'infinity', '10 m', '1.5h', '10M', '32d', '999999999d', '1e3', ' 5', '5\n', 's'])(
  '%j is refused: the kernel would take what it does not understand for 0',
  (text) => {
    expect(codeOf(() => parseHold(text))).toBe('BAD_HOLD')
  },
)

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

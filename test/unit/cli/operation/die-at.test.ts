import { expect, test, vi } from 'vitest'

import { dieAt } from '../../../../src/cli/operation/die-at.ts'
import { parseName } from '../../../../src/model/name.ts'

const db = parseName('db')

test.each([
  ['login:before', ['begin']],
  ['login:after', ['end']],
])('%s dies once, at that end of the step', async (text, moments) => {
  const die = vi.fn<() => void>()
  const seen: string[] = []
  const observer = dieAt(text, die)
  for (const step of ['record', 'login', 'scan', 'login'] as const) {
    await observer.begin?.(db, step, 's')
    if (die.mock.calls.length > seen.length) seen.push('begin')
    await observer.end?.(db, step, 's', 1)
    if (die.mock.calls.length > seen.length) seen.push('end')
  }
  expect(seen).toEqual(moments)
})

test('the process dies at the n-th step of the name', async () => {
  const die = vi.fn<() => void>()
  const observer = dieAt('login:before:2', die)
  await observer.begin?.(db, 'login', 's')
  expect(die).not.toHaveBeenCalled()
  await observer.begin?.(db, 'login', 's')
  expect(die).toHaveBeenCalledOnce()
})

test.each(['logn:before', 'login', 'login:during', 'login:before:0', 'login:before:1:2', 'login:before:x'])(
  '%s is refused, so that no crash test passes by a slip',
  (text) => {
    expect(() => dieAt(text)).toThrow('LUNKEEPER_DIE_AT is not')
  },
)

import { setImmediate as nextTurn } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { untilNextWait } from '../../../../src/state/view/until-next-wait.ts'

function counted() {
  let reads = 0
  return untilNextWait(() => ++reads)
}

test('a state is read once for what happens without waiting', async () => {
  const view = counted()
  expect(view.read()).toBe(1)
  await Promise.resolve()
  expect(view.read()).toBe(1)
})

test('a state is read again after anything was waited for', async () => {
  const view = counted()
  expect(view.read()).toBe(1)
  await nextTurn()
  expect(view.read()).toBe(2)
})

test('a state that could not be read is not kept', () => {
  let isBroken = true
  const view = untilNextWait(() => {
    if (isBroken) throw new Error('gone')
    return 'there'
  })
  expect(view.read).toThrow('gone')
  isBroken = false
  expect(view.read()).toBe('there')
})

test('a state is read again after an act', () => {
  const view = counted()
  expect(view.read()).toBe(1)
  view.forget()
  expect(view.read()).toBe(2)
})

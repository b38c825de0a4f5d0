import { expect, test } from 'vitest'
import { parseName } from '../../../src/model/name.ts'
import type { StepName } from '../../../src/volumes/step.ts'
import { stepper, STEPS } from '../../../src/volumes/step.ts'

const name = parseName('data')

test('each step is told before and after, with what it gave; a failure has no end', async () => {
  const told: string[] = []
  const steps = stepper(name, {
    begin: (volume, step, subject) => void told.push(`begin ${volume} ${step} ${subject}`),
    end: (volume, step, subject, took) => void told.push(`end ${volume} ${step} ${subject} ${took >= 0}`),
    warn: (volume, message) => void told.push(`warn ${volume} ${message}`),
  })
  await expect(steps.step('scan', 'host3', async () => 7)).resolves.toBe(7)
  await expect(
    steps.step('login', 'x', () => {
      throw new Error('refused')
    }),
  ).rejects.toThrow('refused')
  steps.warn('look here')
  expect(told).toEqual([
    'begin data scan host3',
    'end data scan host3 true',
    'begin data login x',
    'warn data look here',
  ])
})

test('what the observer throws stops the step before it begins', async () => {
  let ran = false
  const steps = stepper(name, {
    begin: async () => {
      throw new Error('killed here')
    },
  })
  await expect(steps.step('format', 'sdb', () => (ran = true))).rejects.toThrow('killed here')
  expect(ran).toBe(false)
})

test('no step has two names or one name twice', () => {
  expect(new Set<StepName>(STEPS).size).toBe(STEPS.length)
})

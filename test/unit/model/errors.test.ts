import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../src/model/errors.ts'
import { ERRORS, isLunkeeperError, LunkeeperError } from '../../../src/model/errors.ts'

const codes = Object.keys(ERRORS).filter((code): code is ErrorCode => code in ERRORS)

describe('each code', () => {
  test.each(codes)('%s has a form, an exit status, a meaning and a remedy', (code) => {
    expect(code).toMatch(/^[A-Z][A-Z_]+[A-Z]$/)
    const { exit, meaning, remedy } = ERRORS[code]
    expect([1, 2]).toContain(exit)
    expect(meaning).toMatch(/^[A-Za-z].{9,}\.$/)
    expect(remedy.trim().length).toBeGreaterThan(9)
  })
})

test('a wrong request ends with 2, and only that', () => {
  expect(codes.filter((code) => ERRORS[code].exit === 2)).toEqual([
    'USAGE',
    'BAD_IQN',
    'BAD_PORTAL',
    'BAD_LUN',
    'BAD_WWID',
    'BAD_NAME',
    'BAD_HOLD',
    'BAD_MOUNT',
    'BAD_CHAP',
    'BAD_REQUEST',
    'BAD_CONFIG',
  ])
  expect(ERRORS.IDENTITY_MISMATCH.exit).toBe(1)
})

test('no two codes say the same', () => {
  expect(new Set(codes.map((code) => ERRORS[code].meaning)).size).toBe(codes.length)
})

test('an error carries its code, its status, the remedy or a better hint, its cause', () => {
  const cause = new Error('below')
  const plain = new LunkeeperError('LUN_ABSENT', 'it is not there')
  const rich = new LunkeeperError('BAD_LUN', 'x', { hint: 'do this', cause, details: { lun: 7 } })
  expect(plain).toMatchObject({
    code: 'LUN_ABSENT',
    exitStatus: 1,
    hint: ERRORS.LUN_ABSENT.remedy,
    details: {},
  })
  expect('cause' in plain).toBe(false)
  expect(rich).toMatchObject({ exitStatus: 2, hint: 'do this', cause, details: { lun: 7 } })
})

test('ours, and of one of the codes', () => {
  const error: unknown = new LunkeeperError('BUSY', 'x')
  expect(isLunkeeperError(error)).toBe(true)
  expect(isLunkeeperError(error, 'STUCK', 'BUSY')).toBe(true)
  expect(isLunkeeperError(error, 'STUCK')).toBe(false)
  expect(isLunkeeperError(Object.assign(new Error('x'), { code: 'BUSY' }))).toBe(false)
})

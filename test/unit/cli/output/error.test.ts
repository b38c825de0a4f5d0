import { expect, test } from 'vitest'

import { errorJson, errorText, toLunkeeperError } from '../../../../src/cli/output/error.ts'
import { PLAIN } from '../../../../src/cli/output/display.ts'
import { LunkeeperError } from '../../../../src/model/errors.ts'

const absent = new LunkeeperError('LUN_ABSENT', 'LUN 7 does not exist', { details: { lun: 7 } })

test('an error is printed in two lines', () => {
  expect(errorText(absent, PLAIN)).toBe(
    'error[LUN_ABSENT]: LUN 7 does not exist\nhint: Map the LUN to this initiator on the storage system, and check the LUN number.\n',
  )
})

test('text from outside cannot break the lines or control the terminal', () => {
  const text = errorText(new LunkeeperError('MOUNT_FAILED', 'a\nb\r\n c\u001b[2Jd', { hint: 'x\ny' }), PLAIN)
  expect(text).toBe('error[MOUNT_FAILED]: a b c\\x1b[2Jd\nhint: x y\n')
})

test('an error printed as JSON has its code, message, hint and details', () => {
  expect(errorJson(absent)).toEqual({
    error: { code: 'LUN_ABSENT', message: absent.message, hint: absent.hint, details: { lun: 7 } },
  })
})

test('an unexpected error is INTERNAL, and --verbose shows its stack', () => {
  const error = toLunkeeperError(new TypeError('x is not a function'))
  expect(error.code).toBe('INTERNAL')
  expect(errorText(error, PLAIN)).toMatch(/^error\[INTERNAL\]: x is not a function\nhint: .*\n$/)
  expect(errorText(error, PLAIN, true)).toMatch(
    /\ncause: TypeError: x is not a function\n\s+at .*error\.test/,
  )
})

test('causes of a known error are printed without a stack', () => {
  const error = new LunkeeperError('NO_SPACE', 'no space', { cause: new Error('ENOSPC') })
  expect(errorText(error, PLAIN, true)).toMatch(/\ncause: ENOSPC\n$/)
})

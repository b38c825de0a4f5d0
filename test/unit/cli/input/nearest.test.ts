import { expect, test } from 'vitest'

import { didYouMean } from '../../../../src/cli/input/nearest.ts'

test.each([
  ['portl', 'portal'],
  ['readOnly', 'read-only'],
  ['mount_option', 'mount-option'],
  ['_lun_', 'lun'],
  ['ll', null],
  ['frobnicate', null],
])('%s: %s', (word, meant) => {
  expect(didYouMean(word, ['portal', 'read-only', 'mount-option', 'lun'])).toBe(meant)
})

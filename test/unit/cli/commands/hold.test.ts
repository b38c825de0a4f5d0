import { expect, test } from 'vitest'

import type { Context } from '../../../../src/cli/command.ts'
import { holdCommand } from '../../../../src/cli/commands/hold.ts'
import { PLAIN } from '../../../../src/cli/output/display.ts'

/** Nothing of it is used if the request is wrong. */
const context = { warn: () => {} } as unknown as Context

test.each([
  ['nothing to hold', null, {}],
  ['a name and all', 'db', { all: true, 'give-up': true }],
  ['all of them, and nothing to do', null, { all: true }],
  ['all of them set', null, { all: true, set: '10m' }],
  ['a grace for one', 'db', { 'give-up': true, grace: '10s' }],
  ['a shutdown for one', 'db', { 'give-up': true, shutdown: true }],
  ['a grace without end', null, { all: true, 'give-up': true, grace: 'forever' }],
  ['set and given up', 'db', { set: '10m', 'give-up': true }],
] as const)('%s is a wrong request', async (_, argument, options) => {
  const asked = holdCommand.run(context, { argument, options })
  await expect(asked).rejects.toMatchObject({ code: 'USAGE' })
})

test('hold --all without outages prints a sentence', () => {
  expect(holdCommand.text([], PLAIN)).toBe('No volume is in an outage.\n')
})

import { expect, test } from 'vitest'

import type { Context } from '../../../../src/cli/command.ts'
import { holdCommand } from '../../../../src/cli/commands/hold.ts'
import { PLAIN } from '../../../../src/cli/output/display.ts'
import { openHost } from '../../../../src/host/host.ts'
import { temporary } from '../../temporary.ts'

const isRoot = process.getuid?.() === 0

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

test.each(['--set 0', '--give-up'])(
  'hold of a name that no volume has warns of nothing: %s',
  async (flag) => {
    const host = openHost({ places: { records: temporary(), runtime: temporary() } })
    const told: string[] = []
    const asking = { warn: (message: string) => void told.push(message), host: async () => host }
    const options = flag === '--give-up' ? { 'give-up': true } : { set: '0' }
    const asked = holdCommand.run(asking as unknown as Context, { argument: 'db', options })
    await expect(asked).rejects.toMatchObject({ code: isRoot ? 'NOT_FOUND' : 'NO_PERMISSION' })
    expect(told).toEqual([])
  },
)

test('--grace is limited, and its hint does not offer what it refuses', async () => {
  const asked = holdCommand.run(context, {
    argument: null,
    options: { all: true, 'give-up': true, grace: '32d' },
  })
  await expect(asked).rejects.toMatchObject({
    code: 'BAD_HOLD',
    message: expect.stringContaining('31 days'),
    hint: expect.not.stringContaining('forever'),
  })
})

test('hold --all without outages prints a sentence', () => {
  expect(holdCommand.text([], PLAIN)).toBe('No volume is in an outage.\n')
})

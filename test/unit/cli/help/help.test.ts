import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { COMMANDS } from '../../../../src/cli/commands.ts'
import { errorsPage } from '../../../../src/cli/help/errors-page.ts'
import { helpText } from '../../../../src/cli/help/help.ts'
import { parse } from '../../../../src/cli/input/parse.ts'
import { PLAIN } from '../../../../src/cli/output/display.ts'

const topics = [null, ...COMMANDS.map(({ name }) => name), 'BUSY']

test.each(topics)('help on %s fits 80 columns and ends its lines cleanly', async (topic) => {
  for (const line of (await helpText(COMMANDS, topic, PLAIN)).split('\n')) {
    expect(line.length).toBeLessThanOrEqual(80)
    expect(line).toBe(line.trimEnd())
  }
})

test('the overview lists every command, after examples to start with', async () => {
  const text = await helpText(COMMANDS, null, PLAIN)
  for (const { name, summary } of COMMANDS) expect(text).toContain(`${name.padEnd(17)}${summary}`)
  expect(text.indexOf('Getting started')).toBeLessThan(text.indexOf('Change the node'))
})

test.each(COMMANDS)('help on $name has all flags and examples', async ({ name, options, examples }) => {
  const text = await helpText(COMMANDS, name, PLAIN)
  for (const option of options) expect(text.replace(/\s+/g, ' ')).toContain(option.help)
  expect(examples.length).toBeGreaterThan(0)
})

const examples = COMMANDS.flatMap((command) => command.examples)
  .map(({ command }) => command)
  .filter((line) => line.startsWith('lunkeeper'))

test.each(examples)('the example parses: %s', (line) => {
  const argv = line
    .split(/ [|>] /)[0]!
    .split(' ')
    .slice(1)
  expect(parse(COMMANDS, argv).kind).toBe('run')
})

test('help on an error code has meaning, remedy and exit status', async () => {
  expect(await helpText(COMMANDS, 'busy', PLAIN)).toMatchInlineSnapshot(`
    "BUSY: The volume is in use.
      what to do   Stop the processes that the message names, then run the command
                   again.
      exit status  1
    "
  `)
})

test('a finding has a page, and a code that is an error and a finding has both', async () => {
  expect(await helpText(COMMANDS, 'phantoms', PLAIN)).toContain('PHANTOMS (finding of doctor)')
  const both = await helpText(COMMANDS, 'FENCED', PLAIN)
  expect(both).toContain('exit status')
  expect(both).toContain('FENCED (finding of doctor)')
  await expect(helpText(COMMANDS, 'PHANTOM', PLAIN)).rejects.toThrow(
    expect.objectContaining({ hint: 'Did you mean PHANTOMS?' }),
  )
})

test('help on an unknown topic suggests a known one', async () => {
  await expect(helpText(COMMANDS, 'BSY', PLAIN)).rejects.toThrow('there is no help for "BSY"')
})

test('docs/errors.md is current', () => {
  const path = new URL('../../../../docs/errors.md', import.meta.url)
  expect(readFileSync(path, 'utf8')).toBe(errorsPage())
})

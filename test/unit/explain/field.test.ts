import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { logSource } from '../../../src/host/logs/log-source.ts'
import { explainText } from '../../../src/cli/output/explain.ts'
import { PLAIN } from '../../../src/cli/output/display.ts'
import { explain } from '../../../src/explain/explain.ts'
import { NOW, outagesOf } from './explained.ts'

const LOGS = join(import.meta.dirname, '../../field/logs')

/** The right answer for a log, and the report that matches it. */
interface Answer {
  readonly file: string
  readonly form: string
  readonly source: string
  /** Each in the order of the sessions and of the log; `holdSeconds`: from the advice. */
  readonly outages: readonly (Readonly<Record<string, unknown>> & { readonly holdSeconds?: number })[]
  readonly causes?: readonly (readonly [kind: string, subject: string])[]
  /** What a cause other than an outage broke. */
  readonly broken?: readonly (readonly [kind: string, device: string, what: string])[]
  /** @default true */
  readonly understood?: boolean
  /** Logs in which nothing happened: only these may be reported that way. */
  readonly quiet?: boolean
}

const ANSWERS = JSON.parse(readFileSync(join(LOGS, 'answers.json'), 'utf8')) as readonly Answer[]

test.each(ANSWERS.map((answer) => [answer.file, answer] as const))('%s', async (file, answer) => {
  const story = await explain(logSource(join(LOGS, file)), { now: NOW })
  const text = explainText(story, PLAIN)
  expect(story.inputs[0]!.understood).toBe(answer.understood ?? true)
  expect(text.startsWith('No outage')).toBe(answer.quiet ?? false)
  const outages = outagesOf(story)
  expect(outages).toHaveLength(answer.outages.length)
  const sessions = story.sessions.flatMap(({ session, outages: own }) => own.map(() => session))
  for (const [index, { holdSeconds, session, ...expected }] of answer.outages.entries()) {
    expect(sessions[index]).toBe(session)
    expect(outages[index]).toMatchObject(expected)
    if (holdSeconds !== undefined)
      expect(outages[index]!.prevention).toMatchObject({ holdSeconds, known: true })
  }
  const causes = new Set(story.causes.map(({ kind, subject }) => `${kind}: ${subject}`))
  expect(causes).toEqual(new Set((answer.causes ?? []).map(([kind, subject]) => `${kind}: ${subject}`)))
  for (const [kind, device, what] of answer.broken ?? [])
    expect(story.causes.find((cause) => cause.kind === kind)?.fileSystems).toContainEqual(
      expect.objectContaining({ device, what }),
    )
  if (answer.understood === false) expect(text).toContain('was not understood')
})

test('the corpus covers every log format, and each log has a source', () => {
  expect(ANSWERS.length).toBeGreaterThanOrEqual(60)
  for (const { source, form } of ANSWERS) expect([source, form].every((text) => text.length > 0)).toBe(true)
})

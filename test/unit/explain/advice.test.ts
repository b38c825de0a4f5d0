import { expect, test } from 'vitest'

import { PLAIN } from '../../../src/cli/output/display.ts'
import { explainText } from '../../../src/cli/output/explain.ts'
import { explainLog } from './explained.ts'

const lost = (at: number) => `[${at.toFixed(6)}] n1 kernel: connection1:0: detected conn error (1020)\n`
const expired = (at: number, seconds: number) =>
  `[${at.toFixed(6)}] n1 kernel: session1: session recovery timed out after ${seconds} secs\n`
const ioError = (at: number) => `[${at.toFixed(6)}] n1 kernel: I/O error, dev sdb, sector 8 op 0x1:(WRITE)\n`
const back = (at: number) =>
  `[${at.toFixed(6)}] n1 iscsid[7]: connection1:0 is operational after recovery (2 attempts)\n`

async function adviceOf(log: string): Promise<string> {
  return explainText(await explainLog(log), PLAIN)
    .trim()
    .split('\n')
    .at(-1)!
}

test('a hold is never advised to be shorter than the default', async () => {
  expect(await adviceOf(lost(10) + back(14))).toBe(
    "Nothing failed. To survive an outage of the same length: a hold of at least 14 s. Lunkeeper's default hold of 10m suffices.",
  )
  const failed = lost(10) + expired(18, 8) + ioError(18)
  expect(await adviceOf(failed + back(500))).toBe(
    "What would have prevented it: a hold of at least 539 s. Lunkeeper's default hold of 10m suffices.",
  )
  expect(await adviceOf(failed + back(555))).toContain('default hold of 10m suffices')
  expect(await adviceOf(failed + back(556))).toBe(
    'What would have prevented it: a hold of at least 601 s. With Lunkeeper: lunkeeper hold NAME --set 601s',
  )
})

test('if the return is not in the log, the default suffices only if it is longer than the outage was', async () => {
  expect(await adviceOf(lost(10) + expired(18, 8) + ioError(100))).toMatch(
    /a hold longer than 90 s\..*default hold of 10m suffices if it is longer than that/,
  )
  expect(await adviceOf(lost(10) + expired(18, 8) + ioError(500) + ioError(1000))).toMatch(
    /a hold longer than 990 s\..*lunkeeper hold NAME --set TIME/,
  )
})

test('a log of one line shows no length: no hold longer than 0 s is advised', async () => {
  const text = explainText(await explainLog(lost(10)), PLAIN)
  expect(text).not.toMatch(/longer than 0 s|at least 0 s/)
  expect(text).toContain(
    'nothing failed as far as the log shows, and it does not show how long the outage was',
  )
  expect(text).toContain('The log does not show how long the outages were.')
  const failed = explainText(await explainLog(lost(10) + expired(10, 0) + ioError(10)), PLAIN)
  expect(failed).not.toMatch(/longer than 0 s|at least 0 s/)
  expect(failed).toContain('a hold longer than the outage; the log does not show how long that was')
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { explainText } from '../../../src/cli/output/explain.ts'
import { PLAIN } from '../../../src/cli/output/display.ts'
import { html } from '../../../src/cli/output/timeline/html.ts'
import { timelinePage } from '../../../src/cli/output/timeline/page.ts'
import { writeTimeline } from '../../../src/cli/output/timeline/write.ts'
import { temporary } from '../temporary.ts'
import { explainLog, explainRecorded } from './explained.ts'

const pageOf = async (log: string) => {
  const story = await explainLog(log)
  return timelinePage(story, explainText(story, PLAIN).split('\n')[0]!)
}

test('the chart of an outage shows loss, held I/O, the timer, failing I/O, the broken file system and the remedy', async () => {
  const story = await explainRecorded('outage-300s-read-only.log')
  const page = timelinePage(story, 'one outage')
  for (const sign of [
    'class="lost"',
    'class="waiting"',
    'class="expired"',
    'class="failing open"',
    'class="broken"',
  ])
    expect(page).toContain(sign)
  expect(page).toContain('ext4 on sdb: journal aborted')
  expect(page).toContain('a hold longer than 306 s')
})

test('the page loads no resources and runs no script', async () => {
  const page = timelinePage(await explainRecorded('outage-300s-survived-400s.log'), 'one outage')
  expect(page).toContain(`default-src 'none'; style-src 'unsafe-inline'`)
  expect(page).not.toMatch(/<script|<img|<link|href=|src=|url\(|@import|\son\w+=/i)
})

test('text from a log is escaped in the page', async () => {
  const evil = `<script>alert(1)</script>"'&`
  const page = await pageOf(
    `Aug 18 18:13:29 ${evil} kernel: connection1:0: detected conn error (1020)\n` +
      `Aug 18 18:13:30 n1 iscsid: Kernel reported iSCSI connection 2:0 error (1020 - ISCSI_ERR_X: ${evil}) state (3)\n` +
      `Aug 18 18:13:31 n1 kubelet: MountVolume.SetUp failed for volume "<b>" : ${evil}\n`,
  )
  expect(page).toContain('&lt;script&gt;')
  expect(page).not.toMatch(/<script|<b>/)
})

test('a template with any values is one element with the values as text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { markup } = html`<td title="${text}">${text}</td>`
      expect(markup.slice('<td title="'.length, -'</td>'.length)).not.toMatch(/[<>]{2}|<(?!\/)/)
      expect(markup.match(/"/g)).toHaveLength(2)
    }),
  )
})

test('a short outage in a log of months has its own chart, and times since boot have a separate one', async () => {
  const at = (month: string, second: number, message: string) =>
    `${month} 18 18:13:${second} n1 kernel: connection1:0: ${message}\n`
  const page = await pageOf(
    at('Mar', 10, 'detected conn error (1020)') +
      `Mar 18 18:13:20 n1 iscsid: connection1:0 is operational after recovery (2 attempts)\n` +
      at('Aug', 10, 'detected conn error (1020)') +
      '[ 12.500000] connection7:0: detected conn error (1020)\n[ 132.500000] session7: session recovery timed out after 120 secs\n',
  )
  expect(page.match(/<svg viewBox="0 0 1080/g)).toHaveLength(3)
  expect(page).toContain('seconds since boot')
})

test('a log without outages also makes a page; a file that cannot be written is an error', async () => {
  expect(await pageOf('Aug 18 18:13:29 n1 cron: x\n')).toContain('nothing to draw')
  const story = await explainLog('')
  const file = join(temporary(), 'page.html')
  await writeTimeline(file, story)
  expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>/)
  await expect(writeTimeline('/nonexistent/page.html', story)).rejects.toMatchObject({
    code: 'OUTPUT_UNWRITABLE',
  })
})

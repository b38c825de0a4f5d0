// The page in a browser, served by the built program's agent on a kernel of the lab, whose target goes away.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { chromium } from 'playwright-core'
import { describe, expect } from 'vitest'

import { patient } from '../../lab/machine/pace.ts'
import { onNode } from '../kernel/fixtures.ts'
import { agentOn, lunkeeper } from '../kernel/node.ts'
import { expectCleanDetach } from '../kernel/volume.ts'
import { Writer } from '../kernel/writer.ts'
import { findChromium } from './chromium.ts'
import { Relay } from './relay.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PORT = 9600

describe('the page of an agent', () => {
  const it = onNode({
    memory: 640,
    agent: true,
    launch: (node) => agentOn(node, '--http', `127.0.0.1:${PORT}`),
    luns: [{ lun: 5, serial: 'page5', bytes: 64 << 20 }],
  })

  it('counts down from the moment the target is killed, and is calm again when it is back', async ({
    node,
    agent,
    target,
    volume,
  }) => {
    await volume.mounted('--fs', 'ext4', '--hold', '5m')
    const writer = await Writer.start(node, `${volume.mount}/file`, 250)
    await using relay = await Relay.open(node, PORT)
    const browser = await chromium.launch({ executablePath: await findChromium(), args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      page.setDefaultTimeout(patient(60_000))
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      await page.goto(relay.url)
      await page.getByText('Live').waitFor()
      await page.getByText('db is ready').first().waitFor()

      const count = page.locator('.card .due .count')
      const shown = count.waitFor().then(() => performance.now())
      const logged = agent.errors(/holding I\/O/, 60_000).then(() => performance.now())
      await target.disable()
      const [shownMs, loggedMs] = await Promise.all([shown, logged])
      // A second if `volumes` takes a quarter of one (lab/README.md).
      const { ms } = await lunkeeper(node).run(['volumes'])
      expect(shownMs - loggedMs).toBeLessThan(4 * ms)
      expect(await page.locator('h1').innerText()).toContain('I/O of db is held')
      const first = await count.innerText()
      expect(first).toMatch(/^in (?:4 min \d\d s|5 min 00 s)$/)
      await expect.poll(() => count.innerText(), { timeout: patient(10_000) }).not.toBe(first)
      await page.evaluate(AXE)
      const violations = await page.evaluate<string[]>(
        'axe.run(document).then(({ violations }) => violations.map(({ id }) => id))',
      )
      expect(violations).toEqual([])

      await target.enable()
      await count.waitFor({ state: 'detached' })
      await page.getByText('Live').waitFor()
      await writer.resumes(60_000)
      expect(writer.errors).toBe(0)
      expect(await page.locator('section', { has: page.locator('#outages') }).innerText()).toContain('db')
      expect(complaints).toEqual([])
    } finally {
      await browser.close()
    }
    await writer.stop()
    await expectCleanDetach(volume, agent)
  })
})

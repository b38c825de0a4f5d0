// What Prometheus scrapes during an outage. With LUNKEEPER_RECORD_METRICS=FILE the scrapes are kept: the dashboard
// is tested with them (test/deploy/monitoring/recorded-metrics.json.gz).
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

import { expect } from 'vitest'

import { onCsiNode } from '../kernel/csi/fixtures.ts'
import { claimOf, startDriver } from '../kernel/csi/kubelet.ts'
import { Writer } from '../kernel/writer.ts'

const PORT = 9600
/** A common setting of Prometheus. */
const SCRAPE_INTERVAL_S = 5
/** Each scrape is a line of JSON. */
const SCRAPER = `
setInterval(async () => {
  const response = await fetch('http://127.0.0.1:${PORT}/metrics')
  console.log(JSON.stringify({ at: Date.now(), text: await response.text() }))
}, ${SCRAPE_INTERVAL_S * 1000})
`

interface Scrape {
  readonly at: number
  readonly text: string
}

const it = onCsiNode({
  memory: 768,
  launch: (node) => startDriver(node, {}, ['--http', `127.0.0.1:${PORT}`]),
  luns: [4, 5].map((lun) => ({ lun, serial: `ca${100 + lun}`, bytes: 64 << 20 })),
})

it('what is scraped tells of an outage: a hold that counts down, then one more outage whose I/O waited', async ({
  node,
  target,
  agent,
  kubelet,
  volume,
}) => {
  await node.write('/tmp/scraper.mjs', SCRAPER)
  const scraper = await node.start(['node', '/tmp/scraper.mjs'])
  const scrapes = (): Scrape[] =>
    scraper.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Scrape)
  const values = (name: string, labels = '') =>
    scrapes().flatMap(({ text }) => {
      const found = new RegExp(`^${name}\\{[^}]*${labels}[^}]*\\} (\\S+)`, 'm').exec(text)
      return found ? [Number(found[1])] : []
    })
  /** Waits for this many more scrapes. */
  const scraped = async (more: number) => {
    const wanted = scrapes().length + more
    await node.until(async () => scrapes().length >= wanted, { deadline: 300_000, what: 'scrapes' })
  }

  await volume.mounted('--fs', 'ext4', '--hold', '15m')
  const claim = claimOf(target, 'pv-orders', { lun: '4' })
  await kubelet.bring(claim, 'pod-a')
  await kubelet.fails('nodeStageVolume', { volumeId: 'pv-none' }, 'InvalidArgument')
  const writer = await Writer.start(node, `${volume.mount}/file`, 250)
  await scraped(6)
  await target.disable()
  await agent.errors(/db: all paths lost/, 60_000)
  await scraped(12)
  await target.enable()
  await agent.errors(/db: I\/O resumed/, 120_000)
  await scraped(12)
  await writer.stop()

  const left = values('lunkeeper_volume_hold_left_seconds', 'volume="db"').filter(Number.isFinite)
  const during = left.filter((seconds) => seconds < 900)
  expect(during.length).toBeGreaterThan(5)
  expect(during).toEqual(during.toSorted((a, b) => b - a))
  expect(new Set(values('lunkeeper_volumes', 'state="holding"'))).toContain(2)
  expect(values('lunkeeper_volumes', 'state="holding"').at(-1)).toBe(0)
  expect(values('lunkeeper_volumes', 'state="ready"').at(-1)).toBe(2)
  expect(values('lunkeeper_outage_duration_seconds_count', 'io="waited"').at(-1)).toBe(2)

  const file = process.env.LUNKEEPER_RECORD_METRICS
  if (file) await writeFile(file, await promisify(gzip)(JSON.stringify(scrapes())))
})

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

/** Recorded by test/true-time/metrics.test.ts. */
const FILE = fileURLToPath(new URL('recorded-metrics.json.gz', import.meta.url))

interface Scrape {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly text: string
}

export interface Recording {
  /** OpenMetrics, each sample with the time at which it was scraped. */
  readonly metrics: string
  /** Seconds since 1970. */
  readonly start: number
  readonly end: number
}

/** What a Prometheus would have scraped from one agent, with the labels that it would have added. */
export async function readRecording(): Promise<Recording> {
  const scrapes = JSON.parse((await promisify(gunzip)(await readFile(FILE))).toString()) as Scrape[]
  const series = new Map<string, string[]>()
  for (const { at, text } of scrapes)
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue
      const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line)!
      const all = ['job="lunkeeper"', 'instance="node-1:9600"', ...(labels === '' ? [] : [labels])].join(',')
      const key = `${name}{${all}}`
      const samples = series.get(key) ?? []
      samples.push(`${key} ${value} ${(at / 1000).toFixed(3)}`)
      series.set(key, samples)
    }
  const lines = [...series.values()].flat()
  return {
    metrics: [...lines, '# EOF', ''].join('\n'),
    start: scrapes[0]!.at / 1000,
    end: scrapes.at(-1)!.at / 1000,
  }
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { execa } from 'execa'

import { fetchPackages } from '../../../lab/debian/fetch.ts'
import { cacheDirectory } from '../../../lab/debian/root.ts'
import { unpack } from '../../../lab/debian/unpack.ts'

const START_MS = 60_000

/** Debian's prometheus and promtool, fetched once like the lab's packages. @returns the directory of the programs */
export async function bringPrometheus(): Promise<string> {
  const home = join(cacheDirectory(), 'prometheus')
  const programs = join(home, 'usr/bin')
  if (existsSync(join(programs, 'promtool'))) return programs
  await mkdir(cacheDirectory(), { recursive: true })
  const work = await mkdtemp(`${home}.making-`)
  try {
    const archives = await fetchPackages('bookworm', ['prometheus'], join(work, 'apt'))
    await unpack(
      archives.filter((path) => /\/prometheus_[^/]*$/.test(path)),
      join(work, 'root'),
    )
    await rename(join(work, 'root'), home).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return programs
}

/** A line of a graph: its labels, and its value at each moment (seconds since 1970). */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [number, string])[]
}

/** A Prometheus on this machine's loopback that has the recorded metrics, and scrapes nothing. */
export class RecordedPrometheus implements AsyncDisposable {
  readonly #url: string
  readonly #end: () => Promise<void>

  private constructor(url: string, end: () => Promise<void>) {
    this.#url = url
    this.#end = end
  }

  /** @param metrics OpenMetrics with times · @param directory an empty one, for its files */
  static async open(metrics: string, directory: string): Promise<RecordedPrometheus> {
    const programs = await bringPrometheus()
    const [data, input, config] = ['data', 'metrics.txt', 'prometheus.yaml'].map((name) =>
      join(directory, name),
    ) as [string, string, string]
    await writeFile(input, metrics)
    await writeFile(config, '{}\n')
    await execa(join(programs, 'promtool'), ['tsdb', 'create-blocks-from', 'openmetrics', input, data])
    const port = await freePort()
    const flags = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
    ]
    const child = spawn(join(programs, 'prometheus'), flags, { stdio: 'ignore' })
    const ended = once(child, 'exit')
    const url = `http://127.0.0.1:${port}`
    const prometheus = new RecordedPrometheus(url, async () => {
      child.kill('SIGKILL')
      await ended
    })
    for (const end = performance.now() + START_MS; ; await sleep(50)) {
      const answer = await fetch(`${url}/-/ready`).catch(() => null)
      if (answer?.ok) return prometheus
      if (child.exitCode === null && performance.now() < end) continue
      await prometheus[Symbol.asyncDispose]()
      throw new Error('Prometheus did not start')
    }
  }

  /** @param start @param end @param step seconds */
  async range(query: string, start: number, end: number, step: number): Promise<readonly Series[]> {
    const question = new URLSearchParams({
      query,
      start: String(start),
      end: String(end),
      step: String(step),
    })
    const answer = await fetch(`${this.#url}/api/v1/query_range?${question.toString()}`)
    const body = (await answer.json()) as { error?: string; data: { result: readonly Series[] } }
    if (!answer.ok) throw new Error(`${query}: ${body.error}`)
    return body.data.result
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

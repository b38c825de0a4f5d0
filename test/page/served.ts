import { setTimeout as sleep } from 'node:timers/promises'

import { pageCode } from '../../scripts/page.mjs'
import type { Host } from '../../src/host/host.ts'
import { openHost } from '../../src/host/host.ts'
import { hostPaths } from '../../src/host/paths.ts'
import { Token } from '../../src/http/api/token.ts'
import { openMetrics } from '../../src/http/metrics/metrics.ts'
import type { NodeObserver } from '../../src/http/observe/observer.ts'
import type { ChangeRequest, PartName } from '../../src/http/observe/protocol.ts'
import { PART_NAMES } from '../../src/http/observe/protocol.ts'
import type { OutageLog } from '../../src/http/outages.ts'
import type { PageCode } from '../../src/http/page/assets.ts'
import type { Documents } from '../../src/http/page/model.ts'
import { openPageService } from '../../src/http/page-service.ts'
import { serveHttp } from '../../src/http/serve.ts'
import type { VolumeOutage } from '../../src/model/outage.ts'

export const TOKEN = 'a-token-of-more-than-32-characters-x'

/** The agent's HTTP server, serving a node that the test defines. */
export class Served implements AsyncDisposable {
  readonly url: string
  readonly changes: ChangeRequest[] = []
  readonly log: string[] = []
  changeResult: () => Promise<unknown> = async () => ({})
  leases = 0
  unhealthyReason: string | null = null
  readonly #parts = new Map<PartName, string>()
  #told: (name: PartName, json: string | null) => void = () => {}
  #outages: readonly VolumeOutage[] = []
  #outagesTold = () => {}
  #host: Host
  #closers: (Disposable | AsyncDisposable)[] = []
  #address: { readonly host: string; readonly port: number }

  private constructor(directory: string, port: number) {
    this.#address = { host: '127.0.0.1', port }
    this.url = `http://127.0.0.1:${port}`
    this.#host = openHost({
      paths: hostPaths(directory),
      places: { records: `${directory}/records`, runtime: `${directory}/run` },
    })
  }

  static async open(
    directory: string,
    port: number,
    options: { readonly token?: boolean; readonly code?: PageCode } = {},
  ): Promise<Served> {
    const served = new Served(directory, port)
    const observer: NodeObserver = {
      lease: () => {
        served.leases++
        return { [Symbol.dispose]: () => void served.leases-- }
      },
      part: async (name) => {
        while (!served.#parts.has(name)) await sleep(5)
        return served.#parts.get(name)!
      },
      last: (name) => served.#parts.get(name) ?? null,
      follow: (told) => void (served.#told = told),
      problem: () => null,
      change: async (change) => {
        served.changes.push(change)
        return JSON.stringify(await served.changeResult())
      },
      [Symbol.dispose]: () => {},
    }
    const outages: OutageLog = {
      list: () => served.#outages,
      follow: (told) => void (served.#outagesTold = told),
      [Symbol.dispose]: () => {},
    }
    const page = openPageService(served.#host, {
      node: 'node-7',
      version: '0.1.0',
      token: options.token ? new Token(TOKEN) : null,
      unhealthyReason: () => served.unhealthyReason,
      say: (line) => served.log.push(line),
      observer,
      outages,
      ...(options.code ? { code: options.code } : {}),
    })
    const metrics = openMetrics(served.#host, '0.1.0')
    served.#closers = [
      served.#host,
      metrics,
      page,
      await serveHttp({
        address: served.#address,
        metrics,
        page,
        unhealthyReason: () => served.unhealthyReason,
        notReadyReason: () => null,
      }),
    ]
    return served
  }

  /** Publishes a state of the node; unchanged parts are not sent. */
  show(documents: Omit<Documents, 'node'>): void {
    for (const name of PART_NAMES) {
      const json = JSON.stringify(documents[name])
      if (this.#parts.get(name) === json) continue
      this.#parts.set(name, json)
      this.#told(name, json)
    }
    this.#outages = documents.outages
    this.#outagesTold()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#closers.toReversed())
      await (Symbol.asyncDispose in one ? one[Symbol.asyncDispose]() : one[Symbol.dispose]())
  }
}

let built: Promise<PageCode> | undefined

/** The page's program and style, bundled as they are shipped. */
export const builtCode = (): Promise<PageCode> => (built ??= pageCode())

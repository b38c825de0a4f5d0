import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Host } from '../host/host.ts'
import { refuse } from './api/access.ts'
import type { HttpAnswer } from './api/answer.ts'
import { textAnswer } from './api/answer.ts'
import { answerApi } from './api/dispatch.ts'
import type { ServerClock, NodeInfo } from './api/documents.ts'
import type { ApiSources } from './api/routes.ts'
import type { Token } from './api/token.ts'
import { EventStream } from './event-stream.ts'
import type { NodeObserver } from './observe/observer.ts'
import { openNodeObserver } from './observe/observer.ts'
import type { OutageLog } from './outages.ts'
import { rememberOutages } from './outages.ts'
import type { PageCode } from './page/assets.ts'
import { builtPage, pageFiles, SECURITY_HEADERS } from './page/assets.ts'
import { openRateLimit } from './rate-limit.ts'

export interface PageOptions {
  /** Name of this node. */
  readonly node: string
  /** Version of the agent. */
  readonly version: string
  /** The token that a client must send to make changes. Null: the agent makes no changes over HTTP. */
  readonly token: Token | null
  /** Why the agent is not healthy; null if it is. */
  readonly unhealthyReason: () => string | null
  /** Writes one line of the agent's log. */
  readonly say: (line: string) => void
  /** Reads the node and makes changes. @default an observer process */
  readonly observer?: NodeObserver
  /** @default the node's history, and what this process observes */
  readonly outages?: OutageLog
  /** Script and style of the page. @default those in the built program */
  readonly code?: PageCode
}

/** The page and its API, for the agent's HTTP server. */
export interface PageService extends Disposable {
  /**
   * @returns undefined if the path does not belong to the page or the API; null if a stream was started as the answer
   */
  answer(request: IncomingMessage, response: ServerResponse): Promise<HttpAnswer | null | undefined>
}

/** How often the agent's health is checked while a client follows the events. */
const HEALTH_INTERVAL_MS = 5_000

/** Opens the page and the API of this node. The node is read only while clients ask for it. */
export function openPageService(host: Host, options: PageOptions): PageService {
  const { node: name, version, token, unhealthyReason, say } = options
  const agentSince = new Date().toISOString()
  const observer = options.observer ?? openNodeObserver(host)
  const node = (): NodeInfo => ({
    name,
    version,
    agentSince,
    changes: token !== null,
    problem: unhealthyReason() ?? observer.problem(),
  })
  const outages = options.outages ?? rememberOutages(host)
  const events = new EventStream((): ServerClock => ({ now: new Date().toISOString() }))
  const files = pageFiles(options.code ?? builtPage())
  const mayAnswer = openRateLimit()
  let lastNode = ''
  const publishNode = () => {
    const text = JSON.stringify(node())
    if (text !== lastNode) events.publish('node', text)
    lastNode = text
  }
  const publishOutages = () => events.publish('outages', JSON.stringify(outages.list()))
  publishNode()
  publishOutages()
  outages.follow(publishOutages)
  observer.follow((part, json) => (json === null ? events.forget(part) : events.publish(part, json)))
  const health = setInterval(() => events.clients > 0 && publishNode(), HEALTH_INTERVAL_MS).unref()
  const sources: ApiSources = { observer, outages, events, node, say }

  return {
    async answer(request, response) {
      const path = request.url?.split('?')[0] ?? ''
      const file = files.get(path)
      const isApi = path.startsWith('/api/')
      if (!file && !isApi) return undefined
      if (!mayAnswer(request.socket.remoteAddress ?? ''))
        return withHeaders({ ...textAnswer(429, 'too many requests'), headers: { 'retry-after': '1' } })
      if (!file) {
        const answer = await answerApi(sources, token, { request, response, path, headers: HEADERS })
        return answer && withHeaders(answer)
      }
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return withHeaders(textAnswer(405, 'only GET'))
      return withHeaders(refuse(request, 'code', token) ?? file)
    },
    [Symbol.dispose]() {
      clearInterval(health)
      events[Symbol.dispose]()
      observer[Symbol.dispose]()
      outages[Symbol.dispose]()
    },
  }
}

/** Headers of the event stream. */
const HEADERS: Readonly<Record<string, string>> = {
  ...SECURITY_HEADERS,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

function withHeaders(answer: HttpAnswer): HttpAnswer {
  return { ...answer, headers: { ...SECURITY_HEADERS, ...answer.headers } }
}

import type { IncomingMessage, ServerResponse } from 'node:http'

import type { FindingCode } from '../../doctor/codes.ts'
import { FINDINGS } from '../../doctor/codes.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { EventStream } from '../event-stream.ts'
import type { NodeObserver } from '../observe/observer.ts'
import type { ChangeRequest, PartName } from '../observe/protocol.ts'
import type { OutageLog } from '../outages.ts'
import type { Access } from './access.ts'
import { isLocal } from './access.ts'
import type { HttpAnswer } from './answer.ts'
import { json, errorAnswer } from './answer.ts'
import { BadBody, readBody } from './body.ts'
import type { NodeInfo } from './documents.ts'
import { OPENAPI } from './openapi.ts'

/** Where the routes get their answers from. */
export interface ApiSources {
  readonly observer: NodeObserver
  readonly outages: OutageLog
  readonly events: EventStream
  readonly node: () => NodeInfo
  /** Writes one line of the agent's log. */
  readonly say: (line: string) => void
}

export interface HttpCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The values of the parameters in the path, decoded. */
  readonly params: readonly string[]
  readonly headers: Readonly<Record<string, string>>
}

export interface Route {
  readonly method: 'GET' | 'POST'
  /** Path as in the OpenAPI description: `{name}` stands for one segment. */
  readonly path: string
  readonly access: Access
  /** Resolves to null if a stream was started as the answer. */
  readonly answer: (sources: ApiSources, call: HttpCall) => Promise<HttpAnswer | null>
}

const part = (path: string, name: PartName): Route => ({
  method: 'GET',
  path,
  access: 'read',
  answer: async ({ observer }) => json(await observer.part(name)),
})

/** All routes of the API. A test checks that the description (openapi.ts) has the same. */
export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/openapi.json',
    access: 'code',
    answer: async () => json(DESCRIPTION),
  },
  {
    method: 'GET',
    path: '/api/v1/node',
    access: 'read',
    answer: async ({ node }) => json(JSON.stringify(node())),
  },
  part('/api/v1/volumes', 'volumes'),
  {
    method: 'GET',
    path: '/api/v1/volumes/{name}',
    access: 'read',
    async answer({ observer }, { params: [name] }) {
      const found = byName(await observer.part('volumes')).get(name!)
      if (found === undefined) throw new LunkeeperError('NOT_FOUND', 'there is no volume with this name')
      return json(found)
    },
  },
  part('/api/v1/sessions', 'sessions'),
  part('/api/v1/mounts', 'mounts'),
  {
    method: 'GET',
    path: '/api/v1/findings',
    access: 'read',
    answer: async ({ observer }) => json(`{"findings":${await observer.part('findings')}}`),
  },
  {
    method: 'GET',
    path: '/api/v1/outages',
    access: 'read',
    answer: async ({ outages }) => json(JSON.stringify(outages.list())),
  },
  {
    method: 'GET',
    path: '/api/v1/events',
    access: 'read',
    async answer({ events, observer }, { response, headers }) {
      const lease = observer.lease()
      if (events.add(response, headers, () => lease[Symbol.dispose]())) return null
      lease[Symbol.dispose]()
      return errorAnswer(
        503,
        'CLIENTS',
        'too many clients are following this node',
        { hint: 'Close other pages of this agent.' },
        { 'retry-after': '30' },
      )
    },
  },
  {
    method: 'POST',
    path: '/api/v1/volumes/{name}/hold',
    access: 'change',
    async answer(sources, call) {
      const { wanted } = await readBody(call.request)
      const text = typeof wanted === 'number' ? `${wanted}s` : wanted
      if (typeof text !== 'string')
        throw new BadBody('"wanted" must be a number of seconds, a duration such as "10m", or "forever"')
      return makeChange(sources, call, { kind: 'hold', volume: call.params[0]!, wanted: text })
    },
  },
  {
    method: 'POST',
    path: '/api/v1/volumes/{name}/give-up',
    access: 'change',
    async answer(sources, call) {
      const { confirm } = await readBody(call.request)
      // Unwritten data is lost: the client must repeat the name.
      if (confirm !== call.params[0]) throw new BadBody('"confirm" must be the name of the volume')
      return makeChange(sources, call, { kind: 'give-up', volume: call.params[0]! })
    },
  },
  {
    method: 'POST',
    path: '/api/v1/fix',
    access: 'change',
    async answer(sources, call) {
      const { dryRun = false, code = null } = await readBody(call.request)
      if (typeof dryRun !== 'boolean') throw new BadBody('"dryRun" must be true or false')
      if (code !== null && !isFindingCode(code)) throw new BadBody('"code" must be the code of a finding')
      return makeChange(sources, call, { kind: 'fix', dryRun, code })
    },
  },
]

function isFindingCode(code: unknown): code is FindingCode {
  return typeof code === 'string' && Object.hasOwn(FINDINGS, code)
}

/** The JSON of all volumes, and of each of them. */
let volumesByName: { readonly all: string; readonly each: ReadonlyMap<string, string> } = {
  all: '',
  each: new Map(),
}

/** The JSON of each volume. It is parsed once per reading of the node, for any number of clients. */
function byName(all: string): ReadonlyMap<string, string> {
  if (volumesByName.all === all) return volumesByName.each
  const volumes = JSON.parse(all) as readonly { readonly name: string }[]
  volumesByName = { all, each: new Map(volumes.map((volume) => [volume.name, JSON.stringify(volume)])) }
  return volumesByName.each
}

const DESCRIPTION = JSON.stringify(OPENAPI)

async function makeChange(
  { observer, say }: ApiSources,
  { request }: HttpCall,
  wanted: ChangeRequest,
): Promise<HttpAnswer> {
  const what =
    wanted.kind === 'fix'
      ? `doctor --fix${wanted.code === null ? '' : ` ${wanted.code}`}${wanted.dryRun ? ' --dry-run' : ''}`
      : wanted.kind === 'hold'
        ? `hold ${JSON.stringify(wanted.volume)} --set ${JSON.stringify(wanted.wanted)}`
        : `hold ${JSON.stringify(wanted.volume)} --give-up`
  const by = isLocal(request) ? 'this machine' : (request.socket.remoteAddress ?? 'an unknown address')
  say(`http: ${what}, asked from ${by}`)
  // Nothing is sent until the change is made. The time limit for the whole answer still applies.
  request.socket.setTimeout(0)
  try {
    const result = await observer.change(wanted)
    say(`http: ${what}: done`)
    return json(result)
  } catch (error) {
    say(`http: ${what}: ${(error as Error).message}`)
    throw error
  }
}

/** The routes with a path, and the values of its parameters; empty if there is none. */
export function routesOf(
  path: string,
): readonly { readonly route: Route; readonly params: readonly string[] }[] {
  return MATCHERS.flatMap(({ route, pattern }) => {
    const found = pattern.exec(path)
    const params = found?.slice(1).map(decoded) ?? []
    return found && params.every((value) => value !== null) ? [{ route, params }] : []
  })
}

const MATCHERS = ROUTES.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '([^/]+)')}$`),
}))

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}

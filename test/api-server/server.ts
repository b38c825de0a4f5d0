import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

import { makeCertificate } from './certificate.ts'

/* oxlint-disable typescript/no-explicit-any -- objects of the API come in all shapes */
type Json = any

/** A rule of a ClusterRole. */
export interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

/** A request in the terms of a role: `create events`. */
export interface Asked {
  readonly verb: string
  readonly resource: string
  readonly group: string
  readonly path: string
  readonly body: Json
  readonly status: number
  readonly at: number
}

export interface State {
  readonly node: string
  readonly pods: {
    metadata: {
      name: string
      namespace: string
      uid: string
      ownerReferences?: { kind: string; controller: boolean }[]
      deletionTimestamp?: string
    }
  }[]
  readonly volumes: { metadata: { name: string; uid: string } }[]
  /** VolumeAttachments, unchanged. */
  readonly attachments?: readonly SeenVolumeAttachment[]
}

export interface SeenVolumeAttachment {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly creationTimestamp: string
    readonly deletionTimestamp?: string
    readonly annotations?: Record<string, string>
  }
  readonly spec: {
    readonly attacher: string
    readonly nodeName: string
    readonly source: { readonly persistentVolumeName?: string }
  }
  readonly status?: { readonly attached: boolean }
}

/** How the server misbehaves. */
export interface Mood {
  /** Accepts requests and never answers. */
  readonly hang?: boolean
  /** Answers every request with this status. */
  readonly status?: number
  readonly retryAfter?: number
  /** Milliseconds before each answer. */
  readonly slow?: number
  /** Evictions are refused by a disruption budget. */
  readonly budget?: boolean
  readonly token?: string
}

/** The part of a Kubernetes API server that the agent needs, with the rules of the real one, TLS and roles. */
export class ApiServer implements AsyncDisposable {
  readonly cert: string
  readonly asked: Asked[] = []
  readonly events = new Map<string, Json>()
  conditions: Json[] = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }]
  mood: Mood = {}
  attachments: readonly SeenVolumeAttachment[]
  readonly #server: Server
  readonly #state: State
  readonly #rules: readonly Rule[]

  private constructor(state: State, rules: readonly Rule[]) {
    this.#state = state
    this.attachments = state.attachments ?? []
    this.#rules = rules
    const { cert, key } = makeCertificate()
    this.cert = cert
    this.#server = createServer({ cert, key }, (request, response) => void this.#answer(request, response))
  }

  /** @param rules what its only caller may do @param port 0 for any */
  static async start(state: State, rules: readonly Rule[], port = 0): Promise<ApiServer> {
    const made = new ApiServer(state, rules)
    const { promise, resolve } = Promise.withResolvers<void>()
    made.#server.listen(port, '127.0.0.1', resolve)
    await promise
    return made
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get pods() {
    return this.#state.pods
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    this.#server.closeAllConnections()
    await promise
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const body: Json = text === '' ? null : JSON.parse(text)
    const what = meaning(request.method!, request.url!)
    const note = (status: number) =>
      this.asked.push({ ...what, path: request.url!, body, status, at: Date.now() })
    const { hang, slow } = this.mood
    if (hang) return void note(0)
    if (slow) await new Promise((resolve) => setTimeout(resolve, slow))
    const { status, body: answer, retryAfter } = this.#decide(request, what, body)
    note(status)
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    })
    response.end(JSON.stringify(answer))
  }

  #decide(
    request: IncomingMessage,
    what: What,
    body: Json,
  ): { status: number; body: Json; retryAfter?: number } {
    const { status, retryAfter, token = 'token-1', budget } = this.mood
    if (status !== undefined)
      return { ...refusal(status, 'as told'), ...(retryAfter === undefined ? {} : { retryAfter }) }
    if (request.headers.authorization !== `Bearer ${token}`) return refusal(401, 'Unauthorized')
    const { verb, resource, group, namespace, name } = what
    const allowed = this.#rules.some(
      (rule) =>
        rule.apiGroups.includes(group) && rule.resources.includes(resource) && rule.verbs.includes(verb),
    )
    if (!allowed) return refusal(403, `cannot ${verb} resource "${resource}" in API group "${group}"`)
    const partial = /as=PartialObjectMetadata/.test(request.headers.accept ?? '')
    const shown = (object: Json) => (partial ? { metadata: object.metadata } : { ...object, spec: 'secret' })
    const key = `${namespace}/${name}`
    switch (`${verb} ${resource}`) {
      case 'get persistentvolumes': {
        const found = this.#state.volumes.find(({ metadata }) => metadata.name === name)
        return found ? { status: 200, body: shown(found) } : refusal(404, `"${name}" not found`)
      }
      case 'get volumeattachments': {
        const found = this.attachments.find(({ metadata }) => metadata.name === name)
        if (found) return { status: 200, body: partial ? { metadata: found.metadata } : found }
        const absent = refusal(404, `volumeattachments.storage.k8s.io "${name}" not found`)
        const details = { name, group, kind: 'volumeattachments' }
        return { ...absent, body: { ...absent.body, reason: 'NotFound', details } }
      }
      case 'list volumeattachments':
        return { status: 200, body: this.#page(new URL(request.url!, 'https://api').searchParams) }
      case 'list pods': {
        const selector = new URL(request.url!, 'https://api').searchParams.get('fieldSelector')
        const isHere = selector === `spec.nodeName=${this.#state.node}`
        return { status: 200, body: { items: isHere ? this.#state.pods.map(shown) : [] } }
      }
      case 'create events':
        return this.#createEvent(body, namespace!)
      case 'get events':
        return this.events.has(key)
          ? { status: 200, body: this.events.get(key) }
          : refusal(404, `"${name}" not found`)
      case 'patch events': {
        if (request.headers['content-type'] !== 'application/merge-patch+json')
          return refusal(415, 'media type')
        if (!this.events.has(key)) return refusal(404, `"${name}" not found`)
        this.events.set(key, merged(this.events.get(key), body))
        return { status: 200, body: this.events.get(key) }
      }
      case 'get nodes/status':
      case 'patch nodes/status': {
        if (name !== this.#state.node) return refusal(404, `nodes "${name}" not found`)
        if (verb === 'patch') {
          if (request.headers['content-type'] !== 'application/strategic-merge-patch+json')
            return refusal(415, 'media type')
          for (const condition of body.status.conditions)
            this.conditions = [
              ...this.conditions.filter(({ type }) => type !== condition.type),
              { ...this.conditions.find(({ type }) => type === condition.type), ...condition },
            ]
        }
        return { status: 200, body: { metadata: { name }, status: { conditions: this.conditions } } }
      }
      case 'create pods/eviction':
        return this.#evict(body, namespace!, name!, budget === true)
      default:
        return refusal(404, 'the server could not find the requested resource')
    }
  }

  /** Ordered by name, as in etcd; the token encodes how many were seen. */
  #page(query: URLSearchParams) {
    const seen = Number(query.get('continue') ?? 0)
    const end = seen + Number(query.get('limit') ?? this.attachments.length)
    const sorted = this.attachments.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    const metadata = end < sorted.length ? { continue: String(end) } : {}
    return { kind: 'VolumeAttachmentList', metadata, items: sorted.slice(seen, end) }
  }

  /** validation/events.go: an event is in its object's namespace, or in `default` if the object has none. */
  #createEvent(event: Json, namespace: string) {
    const { metadata, involvedObject } = event
    const key = `${namespace}/${metadata.name}`
    if (metadata.namespace !== namespace) return refusal(400, 'the namespace of the object is another one')
    if ((involvedObject.namespace ?? 'default') !== namespace)
      return refusal(422, 'involvedObject.namespace: does not match event.namespace')
    if (this.events.has(key)) return refusal(409, `events "${metadata.name}" already exists`)
    this.events.set(key, event)
    return { status: 201, body: event }
  }

  #evict({ deleteOptions }: Json, namespace: string, name: string, budget: boolean) {
    const { pods } = this.#state
    const index = pods.findIndex(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
    const found = pods[index]
    if (!found) return refusal(404, `pods "${name}" not found`)
    if (deleteOptions.preconditions.uid !== found.metadata.uid)
      return refusal(409, 'the UID in the precondition does not match')
    if (budget)
      return {
        ...refusal(429, "Cannot evict pod as it would violate the pod's disruption budget."),
        retryAfter: 1,
      }
    pods.splice(index, 1)
    return { status: 201, body: { kind: 'Status', status: 'Success' } }
  }
}

interface What {
  readonly verb: string
  readonly resource: string
  readonly group: string
  readonly namespace: string | null
  readonly name: string | null
}

/** The permission that a role must have for this request. */
function meaning(method: string, url: string): What {
  const { pathname } = new URL(url, 'https://api')
  const [, group = '', namespace = null, kind = '', name = null, sub] =
    /^\/(?:api|apis\/([^/]+))\/v1(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      pathname,
    ) ?? []
  const reads = name === null ? 'list' : 'get'
  const verb = method === 'GET' ? reads : method === 'POST' ? 'create' : method.toLowerCase()
  return { verb, resource: sub ? `${kind}/${sub}` : kind, group, namespace, name }
}

function refusal(code: number, message: string) {
  return { status: code, body: { kind: 'Status', status: 'Failure', code, message } }
}

/** RFC 7396. */
function merged(target: Json, patch: Json): Json {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch
  const result = { ...target }
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete result[key]
    else result[key] = merged(result[key] ?? {}, value)
  return result
}

import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { OPENAPI } from '../../../src/http/api/openapi.ts'
import { ROUTES } from '../../../src/http/api/routes.ts'
import { readToken, Token } from '../../../src/http/api/token.ts'
import { eventReader } from '../../../src/http/page/event-reader.ts'
import { pace } from '../../../src/http/pace.ts'
import { LunkeeperError } from '../../../src/model/errors.ts'
import { calm, trouble } from '../../page/models.ts'
import { Served, TOKEN } from '../../page/served.ts'
import { codeOf } from '../model/code-of.ts'
import { temporary } from '../temporary.ts'

const PORT = 22_000 + (process.pid % 20_000)
const NOW = Date.parse('2026-11-28T03:12:00.000Z')

let served: Served
const open = async (options: Parameters<typeof Served.open>[2] = {}) => {
  served = await Served.open(temporary(), PORT, options)
  served.show(trouble(NOW))
}
afterEach(() => served?.[Symbol.asyncDispose]())

const ask = (path: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) =>
  fetch(`${served.url}${path}`, { ...init, headers: { connection: 'close', ...init.headers } })
const change = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, ...headers },
  })
const codeIn = async (answer: Response) => {
  const { error } = (await answer.json()) as { error: { code: string } }
  return [answer.status, error.code]
}

describe('the description', () => {
  it('has each route, and no other', () => {
    const described = Object.entries(OPENAPI.paths).flatMap(([path, item]) =>
      ['get', 'post'].filter((method) => method in item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted())
  })

  it('only a change needs a token, and it says so', () => {
    for (const { method, path, access } of ROUTES) {
      const item = OPENAPI.paths[path as keyof typeof OPENAPI.paths] as Record<string, { security?: unknown }>
      const { security } = item[method.toLowerCase()]!
      expect([path, access === 'change']).toEqual([path, JSON.stringify(security) === '[{"token":[]}]'])
    }
  })

  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'api', ...OPENAPI })
  const wrong = (pointer: string, data: unknown) => {
    const validate = ajv.compile({ $ref: `api#${pointer}` })
    return validate(data) ? null : validate.errors
  }
  const schemaOf = (path: string, method: string, status: string) =>
    `/paths/${path.replaceAll('/', '~1')}/${method}/responses/${status}/content/application~1json/schema`

  it.each(ROUTES.filter(({ method, path }) => method === 'GET' && !path.endsWith('/events')))(
    'the answer of $path is as described, and so is an error',
    async ({ path }) => {
      await open()
      const answer = await ask(path.replace('{name}', 'db'))
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(wrong(schemaOf(path, 'get', '200'), await answer.json())).toBeNull()
      const refused = await ask(`${path.replace('{name}', 'db')}?x`, { method: 'DELETE' })
      expect(refused.status).toBe(405)
      expect(wrong('/components/schemas/Error', await refused.json())).toBeNull()
    },
  )

  it('a wrong answer would be noticed', () => {
    const [first] = calm(NOW).volumes
    expect(wrong('/components/schemas/Volume', first)).toBeNull()
    expect(wrong('/components/schemas/Volume', { ...first, state: 'tired' })).not.toBeNull()
    expect(wrong('/components/schemas/Volume', { ...first, hold: undefined })).not.toBeNull()
  })

  it('every field of an answer is described', () => {
    const { volumes, sessions, mounts, findings, outages, node } = trouble(NOW)
    const described = (name: keyof typeof OPENAPI.components.schemas) => {
      const schema = OPENAPI.components.schemas[name]
      return Object.keys('properties' in schema ? schema.properties : {})
    }
    const fields = (of: readonly object[]) => [...new Set(of.flatMap((one) => Object.keys(one)))]
    for (const [name, all] of [
      ['Volume', volumes],
      ['Session', sessions],
      ['Mount', mounts],
      ['Finding', findings],
      ['Outage', outages],
      ['NodeInfo', [node]],
    ] as const)
      expect(described(name)).toEqual(expect.arrayContaining(fields(all)))
  })
})

describe('reading', () => {
  it('gives what the commands print', async () => {
    await open()
    const { volumes, sessions, findings } = trouble(NOW)
    expect(await (await ask('/api/v1/volumes')).json()).toEqual(volumes)
    expect(await (await ask('/api/v1/volumes/db')).json()).toEqual(volumes[0])
    expect(await (await ask('/api/v1/sessions')).json()).toEqual(sessions)
    expect(await (await ask('/api/v1/findings')).json()).toEqual({ findings })
    expect(await codeIn(await ask('/api/v1/volumes/nothing'))).toEqual([404, 'NOT_FOUND'])
    expect(await codeIn(await ask('/api/v1/volumes/%zz'))).toEqual([404, 'NO_ROUTE'])
    expect(await codeIn(await ask('/api/v2/volumes'))).toEqual([404, 'NO_ROUTE'])
  })

  it('follows a change', async () => {
    await open()
    await ask('/api/v1/volumes/db')
    served.show(calm(NOW))
    expect(await (await ask('/api/v1/volumes/db')).json()).toMatchObject({ state: 'ready' })
  })

  it('the page and all answers forbid everything from elsewhere', async () => {
    await open({ code: { script: 'let a', style: 'a{}' } })
    for (const path of ['/', '/page.js', '/page.css', '/icon.svg', '/api/v1/node', '/api/v1/nothing']) {
      const { headers } = await ask(path)
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/)
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
    expect(await (await ask('/page.js')).text()).toBe('let a')
    const text = await (await ask('/')).text()
    expect(text).not.toMatch(/<(?:script|style)>|\son\w+=|\sstyle=|https?:/)
    expect((await ask('/', { method: 'POST' })).status).toBe(405)
  })

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', '', '[::1'])(
    'another name that leads here is refused: %s',
    async (host) => {
      await open()
      for (const path of ['/', '/api/v1/volumes', '/api/v1/openapi.json'])
        expect(await said(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)).toMatch(
          / 421 .*"HOST"/s,
        )
      expect(await said(`GET /healthz HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)).toMatch(
        / 200 /,
      )
    },
  )

  it.each(['localhost', 'LOCALHOST:8080', '10.0.0.7:9600', '[fd00::1]:9600', '[::1]'])(
    'an address, and this machine’s own name, are not: %s',
    async (host) => {
      await open()
      expect(await said(`GET /api/v1/node HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)).toMatch(
        / 200 /,
      )
    },
  )

  it('an agent that is ill says so', async () => {
    await open()
    served.sick = 'it hangs'
    expect(await (await ask('/api/v1/node')).json()).toMatchObject({ problem: 'it hangs' })
  })
})

describe('changing', () => {
  it('is refused without a token on the agent, whatever is sent', async () => {
    await open()
    for (const path of ['/api/v1/volumes/db/hold', '/api/v1/volumes/db/give-up', '/api/v1/fix'])
      expect(await codeIn(await change(path, { wanted: '1h' }))).toEqual([403, 'READ_ONLY'])
    expect(served.acts).toEqual([])
  })

  it('needs the token, in the header, and JSON, and no other web site', async () => {
    await open({ token: true })
    const path = '/api/v1/volumes/db/hold'
    const refused = async (headers: Record<string, string>) =>
      codeIn(await change(path, { wanted: '1h' }, headers))
    expect(await refused({ authorization: '' })).toEqual([401, 'TOKEN'])
    expect(await refused({ authorization: `Bearer ${TOKEN}x` })).toEqual([401, 'TOKEN'])
    expect(await refused({ authorization: `Basic ${TOKEN}` })).toEqual([401, 'TOKEN'])
    expect(await refused({ 'content-type': 'text/plain' })).toEqual([415, 'MEDIA_TYPE'])
    expect(await refused({ 'content-type': 'application/x-www-form-urlencoded' })).toEqual([
      415,
      'MEDIA_TYPE',
    ])
    expect(await refused({ origin: 'http://evil.example' })).toEqual([403, 'FOREIGN'])
    expect(await refused({ 'sec-fetch-site': 'cross-site' })).toEqual([403, 'FOREIGN'])
    expect(await codeIn(await ask(`${path}?token=${TOKEN}`, { method: 'POST' }))).toEqual([401, 'TOKEN'])
    expect(served.acts).toEqual([])
    expect((await change(path, { wanted: '1h' }, { origin: served.url })).status).toBe(200)
  })

  it('does what the commands do, and is in the log without the token', async () => {
    await open({ token: true })
    const [db] = trouble(NOW).volumes
    served.actResult = async () => db
    expect(await (await change('/api/v1/volumes/db/hold', { wanted: 'forever' })).json()).toEqual(db)
    await change('/api/v1/volumes/db/hold', { wanted: 90 })
    await change('/api/v1/volumes/db/give-up', { confirm: 'db' })
    await change('/api/v1/fix', { dryRun: true })
    await change('/api/v1/fix', { code: 'PHANTOMS' })
    expect(served.acts).toEqual([
      { kind: 'hold', volume: 'db', wanted: 'forever' },
      { kind: 'hold', volume: 'db', wanted: '90s' },
      { kind: 'give-up', volume: 'db' },
      { kind: 'fix', dryRun: true, code: null },
      { kind: 'fix', dryRun: false, code: 'PHANTOMS' },
    ])
    expect(served.log[0]).toBe('http: hold "db" --set "forever", asked from this machine')
    expect(served.log.join('\n')).not.toContain(TOKEN)
  })

  it.each([
    ['hold', { wanted: true }],
    ['hold', {}],
    ['hold', '['],
    ['hold', '[1]'],
    ['hold', 'null'],
    ['give-up', {}],
    ['../../fix', { dryRun: 1 }],
    ['../../fix', { code: 'toString' }],
    ['give-up', { confirm: 'other' }],
  ])('%s with the content %s is refused', async (what, body) => {
    await open({ token: true })
    expect(await codeIn(await change(`/api/v1/volumes/db/${what}`, body))).toEqual([400, 'BODY'])
    expect(served.acts).toEqual([])
  })

  it('content that is too long is refused, and the answer arrives', async () => {
    await open({ token: true })
    for (const length of [5_000, 5_000_000])
      expect(await codeIn(await change('/api/v1/volumes/db/hold', 'x'.repeat(length)))).toEqual([400, 'BODY'])
  })

  it.each([
    ['NOT_FOUND', 404],
    ['CONFLICT', 409],
    ['BAD_HOLD', 400],
    ['TIMEOUT', 504],
    ['MAP_FAILED', 500],
  ] as const)('an error %s of the engine is %s, with its hint', async (code, status) => {
    await open({ token: true })
    served.actResult = async () => {
      throw new LunkeeperError(code, 'it did not work', { hint: 'do that' })
    }
    const answer = await change('/api/v1/volumes/db/hold', { wanted: '1h' })
    expect(answer.status).toBe(status)
    expect(await answer.json()).toEqual({ error: { code, message: 'it did not work', hint: 'do that' } })
  })

  it('a bug is not told to a client', async () => {
    await open({ token: true })
    served.actResult = async () => {
      throw new Error('secret stack')
    }
    expect(await (await change('/api/v1/fix', {})).text()).not.toContain('secret')
  })
})

describe('the token', () => {
  it('is compared as a whole', () => {
    const token = new Token(TOKEN)
    expect(token.isIn(`Bearer ${TOKEN}`)).toBe(true)
    for (const wrong of [undefined, '', 'Bearer', `Bearer ${TOKEN.slice(1)}`, `Bearer ${TOKEN} x`, TOKEN])
      expect(token.isIn(wrong)).toBe(false)
  })

  it('comes from a file that only its owner can read, and no error quotes it', () => {
    const path = join(temporary(), 'token')
    const write = (text: string, mode = 0o600) => {
      writeFileSync(path, text)
      chmodSync(path, mode)
    }
    write(`${TOKEN}\n`)
    expect(readToken(path).isIn(`Bearer ${TOKEN}`)).toBe(true)
    for (const [text, mode] of [
      [TOKEN, 0o640],
      [TOKEN, 0o604],
      ['short', 0o600],
      ['', 0o600],
      [`${TOKEN} two words`, 0o600],
      ['x'.repeat(2_000), 0o600],
    ] as const) {
      write(text, mode)
      expect(codeOf(() => readToken(path))).toBe('USAGE')
      if (text === '') continue
      try {
        readToken(path)
      } catch (error) {
        expect((error as Error).message).not.toContain(text)
      }
    }
    expect(codeOf(() => readToken(`${path}-missing`))).toBe('USAGE')
  })
})

describe('events', () => {
  beforeEach(() => open())

  /** Reads events of one client until `enough`. */
  async function events(enough: (names: readonly string[]) => boolean, begin?: () => void) {
    const stop = new AbortController()
    const response = await ask('/api/v1/events', { signal: stop.signal })
    const read = eventReader()
    const found: { name: string; data: string }[] = []
    const decoder = new TextDecoder()
    let hasBegun = false
    for await (const piece of response.body!) {
      found.push(...read(decoder.decode(piece, { stream: true })))
      if (enough(found.map(({ name }) => name))) break
      if (!hasBegun && found.length >= 7) {
        hasBegun = true
        begin?.()
      }
    }
    stop.abort()
    return { response, found }
  }

  it('begin with all that is known, then each change once', async () => {
    const { response, found } = await events(
      (names) => names.length >= 10,
      () => served.show(calm(NOW)),
    )
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const names = found.map(({ name }) => name)
    expect(names.slice(0, 7).toSorted()).toEqual(
      ['clock', 'node', 'outages', 'volumes', 'sessions', 'mounts', 'findings'].toSorted(),
    )
    const last = (wanted: string) =>
      JSON.parse(found.findLast(({ name }) => name === wanted)!.data) as unknown
    expect(last('volumes')).toEqual(calm(NOW).volumes)
    expect(Math.abs(Date.parse((last('clock') as { now: string }).now) - Date.now())).toBeLessThan(10_000)
  })

  it('the node is read while a client follows, and no longer', async () => {
    expect(served.leases).toBe(0)
    await events((names) => {
      expect(served.leases).toBe(1)
      return names.length > 0
    })
    await expect.poll(() => served.leases).toBe(0)
  })

  it('a client that does not read is given the newest state only, and memory does not grow', async () => {
    const socket = connect(PORT, '127.0.0.1')
    socket.write('GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n')
    socket.pause()
    await expect.poll(() => served.leases).toBe(1)
    const big = trouble(NOW)
    const padding = 'x'.repeat(200_000)
    // 40 MB: without a bound all of it would be in memory.
    for (let n = 0; n < 200; n++)
      served.show({
        ...big,
        volumes: [{ ...big.volumes[0]!, mount: `${n}${padding}` }],
      })
    served.show({ ...big, volumes: [{ ...big.volumes[0]!, mount: 'the last one' }] })
    let length = 0
    let tail = ''
    const { promise: last, resolve } = Promise.withResolvers<void>()
    socket.on('data', (data) => {
      length += data.length
      tail = (tail + data.toString()).slice(-10_000)
      if (tail.includes('the last one')) resolve()
    })
    socket.resume()
    await last
    // What the kernel's buffers took, and the newest state.
    expect(length).toBeLessThan(20_000_000)
    socket.destroy()
  })

  it('clients of one address are limited, and leave room for others', async () => {
    const sockets = Array.from({ length: 14 }, () => {
      const socket = connect(PORT, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
      return socket
    })
    const answers = await Promise.all(
      sockets.map(async (socket) => {
        const [data] = (await once(socket, 'data')) as [Buffer]
        return Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1])
      }),
    )
    expect(answers.filter((status) => status === 200)).toHaveLength(12)
    expect(answers.filter((status) => status === 503)).toHaveLength(2)
    expect((await ask('/healthz')).status).toBe(200)
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => served.leases).toBe(0)
  })

  it('end with the agent', async () => {
    const response = await ask('/api/v1/events')
    const ended = response.text().then(
      () => 'ended',
      () => 'ended',
    )
    await served[Symbol.asyncDispose]()
    expect(await ended).toBe('ended')
    await open()
  })

  it('HEAD does not begin a stream', async () =>
    expect((await ask('/api/v1/events', { method: 'HEAD' })).status).toBe(405))
})

describe('the pace of one address', () => {
  it('many requests at once, then a number a second; other addresses are not concerned', () => {
    let nowMs = 0
    const isInPace = pace(() => nowMs)
    const answered = (address: string, number: number) =>
      Array.from({ length: number }, () => isInPace(address)).filter(Boolean).length
    expect(answered('a', 100)).toBe(60)
    expect(answered('b', 10)).toBe(10)
    nowMs += 1_000
    expect(answered('a', 100)).toBe(20)
  })

  it('is answered with 429', async () => {
    await open()
    const answers = await Promise.all(
      Array.from({ length: 15 }, async () => {
        const statuses: number[] = []
        for (let n = 0; n < 8; n++) statuses.push((await ask('/api/v1/node')).status)
        return statuses
      }),
    )
    expect(answers.flat()).toContain(429)
    expect((await ask('/healthz')).status).toBe(200)
  })
})

/** What a client hears that says these words. */
async function said(words: string): Promise<string> {
  const socket = connect(PORT, '127.0.0.1')
  let heard = ''
  socket.on('data', (data) => (heard += data.toString()))
  socket.on('error', () => {})
  socket.write(words)
  await once(socket, 'close')
  return heard
}

import { Duplex } from 'node:stream'

import { parseAddress } from '../../../src/http/address.ts'
import { openServer } from '../../../src/http/serve.ts'
import { expectThat, orRefused } from '../promises.ts'
import type { Target } from '../target.ts'

/** A connection on which all data has arrived. */
class Connection extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  readonly heard: Buffer[] = []

  constructor(input: Buffer) {
    super({ allowHalfOpen: true })
    this.push(input)
    this.push(null)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.heard.push(Buffer.from(chunk))
    done()
  }

  setTimeout(): this {
    return this
  }

  destroySoon(): void {
    this.end(() => this.destroy())
  }
}

const metrics = { contentType: 'text/plain', text: async () => 'lunkeeper_volumes 1\n' }

const server = openServer({
  metrics: metrics as never,
  unhealthyReason: () => null,
  notReadyReason: () => 'no',
})

/** Connections to the agent's HTTP server. */
export const httpRequests: Target = {
  name: 'http-requests',
  reads: 'HTTP requests (/metrics, /healthz, /readyz)',
  seeds: () =>
    [
      'GET /metrics HTTP/1.1\r\nHost: node\r\nAccept: */*\r\n\r\n',
      'HEAD /readyz?x=1 HTTP/1.0\r\n\r\n',
      'POST /healthz HTTP/1.1\r\nHost: node\r\nContent-Length: 5\r\n\r\nhello',
      'POST / HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    ].map((text) => Buffer.from(text)),
  words: [
    'GET ',
    'HEAD ',
    'POST ',
    'OPTIONS ',
    'CONNECT ',
    ' HTTP/1.1\r\n',
    'Host: ',
    'Content-Length: ',
    'Transfer-Encoding: chunked',
    'Connection: ',
    'Upgrade: ',
    'Expect: 100-continue',
    '\r\n',
    '\r\n\r\n',
    '/metrics',
    '/healthz',
    '/readyz',
    '%2f',
    '?',
  ],
  async run(input) {
    orRefused(() => parseAddress(input.toString('utf8', 0, 40)))
    const connection = new Connection(input)
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    connection.once('close', resolve)
    server.emit('connection', connection)
    await Promise.race([closed, quiet()])
    connection.destroy()
    await closed
    const answer = Buffer.concat(connection.heard).toString('latin1')
    // Whatever was requested, the answer is our own HTTP.
    expectThat(
      answer === '' || /^HTTP\/1\.1 (?:200|400|404|405|408|413|417|431|503|100) /.test(answer),
      `answered ${answer.slice(0, 60)}`,
    )
  },
}

/** Everything that can be answered has been: what remains waits for more of a request. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

import { createHash } from 'node:crypto'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer } from 'node:net'

import { afterEach, describe, expect, test } from 'vitest'

import type { Who } from '../../../../src/host/iscsi/talk/conversation.ts'
import { listLuns } from '../../../../src/host/iscsi/talk/luns.ts'
import type { Pdu } from '../../../../src/host/iscsi/talk/pdu.ts'
import { decode, decodeKeys, encode, encodeKeys, OP } from '../../../../src/host/iscsi/talk/pdu.ts'
import { listPortals } from '../../../../src/host/iscsi/talk/portals.ts'
import { parseIqn } from '../../../../src/model/iqn.ts'
import { Secret } from '../../../../src/model/secret.ts'

const IQN = parseIqn('iqn.2026-01.test:t')
const CHAP = { username: 'me', password: new Secret('twelve-chars'), mutual: null }
const [TRANSIT, FINAL] = [0x80, 0x80]

interface Manner {
  /** asks for CHAP, and takes this secret */
  readonly secret?: string
  /** sends its answers in pieces of so many bytes */
  readonly piece?: number
  /** status class and detail of its answer to the first login request */
  readonly status?: readonly [number, number]
  /** answers with these bytes instead */
  readonly noise?: Buffer
  readonly luns?: Readonly<Record<number, string>>
  readonly targets?: readonly (readonly [key: string, value: string])[]
}

describe('a talk with a target that makes no disk', () => {
  let server: Server | undefined
  afterEach(() => server?.close())

  /** A target of a few lines, that speaks as it is told to. */
  async function serve(manner: Manner): Promise<Who> {
    server = createServer((socket) => {
      socket.on('error', () => {})
      void answer(socket, manner).catch(() => socket.destroy())
    })
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return {
      portal: { host: '127.0.0.1', port },
      initiator: 'iqn.2026-01.test:i',
      target: IQN,
      chap: null,
      signal: new AbortController().signal,
    }
  }

  const LUNS = { 5: 'aaaa5', 300: 'aaaa300' }
  const SEEN = [
    { lun: 5, wwid: null, serial: 'aaaa5' },
    { lun: 300, wwid: null, serial: 'aaaa300' },
  ]

  test('tells which LUNs there are and what each says of itself', async () => {
    expect(await listLuns(await serve({ luns: LUNS }))).toEqual(SEEN)
  })

  test('takes answers as they come, byte by byte', async () => {
    expect(await listLuns(await serve({ luns: LUNS, piece: 1 }))).toEqual(SEEN)
  })

  test('proves itself where that is asked, and is told where the secret is wrong', async () => {
    const who = { ...(await serve({ luns: LUNS, secret: 'twelve-chars' })), chap: CHAP }
    expect(await listLuns(who)).toEqual(SEEN)
    server!.close()
    const wrong = { ...(await serve({ luns: LUNS, secret: 'another-one' })), chap: CHAP }
    await expect(listLuns(wrong)).rejects.toMatchObject({ code: 'CHAP_FAILED' })
  })

  test('a target that does not serve now is away, and one that refuses is no surprise', async () => {
    await expect(listLuns(await serve({ status: [3, 1] }))).rejects.toMatchObject({ code: 'TARGET_AWAY' })
    server!.close()
    await expect(listLuns(await serve({ status: [2, 3] }))).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
  })

  test.each([
    ['a connection that ends at once', Buffer.alloc(0), 'TARGET_AWAY'],
    [
      'a web server',
      Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'.padEnd(96)),
      'LOGIN_FAILED',
    ],
    ['a length beyond all measure', Buffer.alloc(48, 0xff), 'LOGIN_FAILED'],
  ])('%s ends it with an error of its own', async (_, noise, code) => {
    await expect(listLuns(await serve({ noise }))).rejects.toMatchObject({ code: code })
  })

  test('lists the addresses of one target out of many', async () => {
    const { target: _, ...who } = await serve({
      targets: [
        ['TargetName', 'iqn.2026-01.test:other'],
        ['TargetAddress', '10.0.0.1:3260,1'],
        ['TargetName', IQN],
        ['TargetAddress', '10.0.0.2:3260,1'],
        ['TargetAddress', '[fd00::2]:3261,2'],
      ],
    })
    expect(await listPortals(who, IQN)).toEqual([
      { host: '10.0.0.2', port: 3260 },
      { host: 'fd00::2', port: 3261 },
    ])
  })
})

async function answer(socket: Socket, manner: Manner): Promise<void> {
  if (manner.noise) return void socket.end(manner.noise)
  const challenge = Buffer.from('0123456789abcdef')
  let statSn = 7
  for await (const { header, data } of decode(socket)) {
    const keys = new Map(decodeKeys(data))
    const reply = (op: number, body: Uint8Array, fill: (to: Buffer) => void = () => {}) => {
      const bytes = encode((to) => {
        to[0] = op
        header.copy(to, 16, 16, 20)
        to.writeUInt32BE(statSn++, 24)
        fill(to)
      }, body)
      const piece = manner.piece ?? bytes.length
      for (let at = 0; at < bytes.length; at += piece) socket.write(bytes.subarray(at, at + piece))
    }
    const login = (
      answers: Record<string, string>,
      over: boolean,
      status: readonly [number, number] = [0, 0],
    ) =>
      reply(OP.loginResponse, encodeKeys(answers), (to) => {
        to[1] = over ? header[1]! | TRANSIT : header[1]! & ~TRANSIT
        ;[to[36], to[37]] = status
      })
    if (header[0] === OP.login) {
      if (manner.status) login({}, false, manner.status)
      else if (keys.has('AuthMethod'))
        login({ AuthMethod: manner.secret ? 'CHAP' : 'None' }, manner.secret === undefined)
      else if (keys.has('CHAP_A'))
        login({ CHAP_A: '5', CHAP_I: '9', CHAP_C: `0x${challenge.toString('hex')}` }, false)
      else if (keys.has('CHAP_R')) {
        const right = createHash('md5')
          .update(Buffer.of(9))
          .update(manner.secret!)
          .update(challenge)
          .digest('hex')
        login({}, true, keys.get('CHAP_R') === `0x${right}` && keys.get('CHAP_N') === 'me' ? [0, 0] : [2, 1])
      } else login({ HeaderDigest: 'None' }, true)
    } else if (header[0] === OP.text)
      reply(
        OP.textResponse,
        Buffer.from(manner.targets!.map(([key, value]) => `${key}=${value}\0`).join('')),
        (to) => {
          to[1] = FINAL
        },
      )
    else if (header[0] === OP.scsiCommand) scsi({ header, data }, manner, reply)
    else return void socket.end()
  }
}

/** REPORT LUNS, INQUIRY page 80h; everything else is refused. */
function scsi(
  { header }: Pdu,
  { luns = {} }: Manner,
  reply: (op: number, body: Uint8Array, fill?: (to: Buffer) => void) => void,
): void {
  const [op, , page] = [header[32], header[33], header[34]]
  const good = (body: Buffer) => reply(OP.dataIn, body, (to) => (to[1] = FINAL | 0x01))
  if (op === 0xa0) {
    const numbers = Object.keys(luns).map(Number)
    const list = Buffer.alloc(8 + 8 * numbers.length)
    list.writeUInt32BE(8 * numbers.length, 0)
    for (const [index, lun] of numbers.entries()) list.writeUInt16BE(lun, 8 + 8 * index)
    good(list)
  } else if (page === 0x80) {
    const serial = Buffer.from(luns[header.readUInt16BE(8)] ?? '')
    good(Buffer.concat([Buffer.of(0, 0x80, 0, serial.length), serial]))
  } else reply(OP.scsiResponse, Buffer.alloc(0), (to) => ([to[1], to[3]] = [FINAL, 2]))
}

import { createHash } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'

import { onTestFinished } from 'vitest'

import type { ConnectionOptions } from '../../../../src/host/iscsi/client/connection.ts'
import type { Pdu } from '../../../../src/host/iscsi/client/pdu.ts'
import { decode, decodeKeys, encode, encodeKeys, OP } from '../../../../src/host/iscsi/client/pdu.ts'
import { parseIqn } from '../../../../src/model/iqn.ts'

export const IQN = parseIqn('iqn.2026-01.test:t')
const [TRANSIT, FINAL, CONTINUE] = [0x80, 0x80, 0x40]
const NO_TAG = 0xff_ff_ff_ff

/** How a fake target behaves. */
export interface Manner {
  /** asks for CHAP and accepts this secret */
  readonly secret?: string
  /** the CHAP algorithm that it chooses, and OpenSSL's name of the hash. @default MD5 */
  readonly algorithm?: readonly [number: string, hash: string]
  /** authenticates itself with this name and secret */
  readonly mutual?: { readonly name: string; readonly secret: string }
  /** sends its list of targets in parts that end at these bytes, with the C bit or only not final */
  readonly parts?: { readonly at: readonly number[]; readonly cut: boolean; readonly endless?: boolean }
  /** called with the keys of each login request */
  readonly hears?: (keys: ReadonlyMap<string, string>) => void
  /** sends its answers in pieces of this many bytes */
  readonly piece?: number
  /** status class and detail of its answer to the first login request */
  readonly status?: readonly [number, number]
  /** answers with these bytes instead */
  readonly noise?: Buffer
  /** sends this many extra bytes before each answer to a SCSI command */
  readonly surplus?: number
  /** the serial number of each LUN */
  readonly luns?: Readonly<Record<number, string>>
  /** VPD page 83h of every LUN; rejected if it is not given */
  readonly page83?: Buffer
  readonly targets?: readonly (readonly [key: string, value: string])[]
}

/** A minimal target that behaves as described. */
export async function serve(manner: Manner): Promise<ConnectionOptions> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    void answer(socket, manner).catch(() => socket.destroy())
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  const { port } = server.address() as AddressInfo
  return {
    portal: { host: '127.0.0.1', port },
    initiator: 'iqn.2026-01.test:i',
    target: IQN,
    chap: null,
    signal: new AbortController().signal,
  }
}

async function answer(socket: Socket, manner: Manner): Promise<void> {
  if (manner.noise) return void socket.end(manner.noise)
  const challenge = Buffer.from('0123456789abcdef')
  const [number, hash] = manner.algorithm ?? ['5', 'md5']
  let [statSn, part, first, nextTag] = [7, 0, 0, 0]
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
      manner.hears?.(keys)
      if (manner.status) login({}, false, manner.status)
      else if (keys.has('AuthMethod'))
        login({ AuthMethod: manner.secret ? 'CHAP' : 'None' }, manner.secret === undefined)
      else if (keys.has('CHAP_A'))
        login({ CHAP_A: number, CHAP_I: '9', CHAP_C: `0x${challenge.toString('hex')}` }, false)
      else if (keys.has('CHAP_R')) {
        const right = createHash(hash)
          .update(Buffer.of(9))
          .update(manner.secret!)
          .update(challenge)
          .digest('hex')
        const isRight = keys.get('CHAP_R') === `0x${right}` && keys.get('CHAP_N') === 'me'
        login(proofOf(manner, hash, keys), true, isRight ? [0, 0] : [2, 1])
      } else login({ HeaderDigest: 'None' }, true)
    } else if (header[0] === OP.text) {
      const all = Buffer.from(manner.targets!.map(([key, value]) => `${key}=${value}\0`).join(''))
      const { at = [], cut = false, endless = false } = manner.parts ?? {}
      const isLast = part === at.length && !endless
      // It continues only for an initiator that sends the tags back.
      const [tag, transfer] = [header.readUInt32BE(16), header.readUInt32BE(20)]
      if (part === 0) [first, nextTag] = [tag, 0x1000]
      else if (tag !== first || transfer !== nextTag || data.length > 0) return void socket.destroy()
      nextTag = 0x1000 + part
      reply(OP.textResponse, all.subarray(at[part - 1] ?? 0, at[part] ?? all.length), (to) => {
        to[1] = isLast ? FINAL : cut ? CONTINUE : 0
        to.writeUInt32BE(isLast ? NO_TAG : nextTag, 20)
      })
      part++
    } else if (header[0] === OP.scsiCommand) scsi({ header, data }, manner, reply)
    else return void socket.end()
  }
}

/** REPORT LUNS, INQUIRY page 80h; everything else is refused. */
function scsi(
  { header }: Pdu,
  { luns = {}, page83, surplus = 0 }: Manner,
  reply: (op: number, body: Uint8Array, fill?: (to: Buffer) => void) => void,
): void {
  const [op, , page] = [header[32], header[33], header[34]]
  for (let sent = 0; sent < surplus; sent += 1024) reply(OP.dataIn, Buffer.alloc(1024))
  const allocated = header.readUInt32BE(20)
  const good = (body: Buffer) => reply(OP.dataIn, body.subarray(0, allocated), (to) => (to[1] = FINAL | 0x01))
  if (op === 0xa0) {
    const numbers = Object.keys(luns).map(Number)
    const list = Buffer.alloc(8 + 8 * numbers.length)
    list.writeUInt32BE(8 * numbers.length, 0)
    for (const [index, lun] of numbers.entries()) list.writeUInt16BE(lun, 8 + 8 * index)
    good(list)
  } else if (page === 0x80) {
    const serial = Buffer.from(luns[header.readUInt16BE(8)] ?? '')
    good(Buffer.concat([Buffer.of(0, 0x80, 0, serial.length), serial]))
  } else if (page === 0x83 && page83) good(page83)
  else reply(OP.scsiResponse, Buffer.alloc(0), (to) => ([to[1], to[3]] = [FINAL, 2]))
}

/** CHAP_N and CHAP_R of a target that proves itself. */
function proofOf(
  { mutual }: Manner,
  hash: string,
  keys: ReadonlyMap<string, string>,
): Record<string, string> {
  const challenge = keys.get('CHAP_C')
  if (!mutual || challenge === undefined) return {}
  const proof = createHash(hash)
    .update(Buffer.of(Number(keys.get('CHAP_I'))))
    .update(mutual.secret)
    .update(Buffer.from(challenge.slice(2), 'hex'))
  return { CHAP_N: mutual.name, CHAP_R: `0x${proof.digest('hex')}` }
}

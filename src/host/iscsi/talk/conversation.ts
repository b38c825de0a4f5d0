import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

import { LunkeeperError } from '../../../model/errors.ts'
import type { Portal } from '../../../model/portal.ts'
import { formatPortal } from '../../../model/portal.ts'
import type { Chap } from '../../../model/secret.ts'
import { decode, decodeKeys, encode, encodeKeys, OP, type Pdu } from './pdu.ts'

/** All of one conversation: a target that is up answers each question within milliseconds. */
const DEADLINE = 5_000

/** Stages of a login, and the bit that asks for the next (RFC 7143, 11.12.3). */
const [SECURITY, OPERATIONAL, FULL_FEATURE] = [0, 1, 3] as const
const TRANSIT = 0x80
const FINAL = 0x80
const NO_TAG = 0xff_ff_ff_ff
/** A login with more rounds than this is going nowhere. */
const MOST_ROUNDS = 8
/** Target error: "not now" (RFC 7143, 11.13.5). */
const TARGET_ERROR = 3
/** MD5 (RFC 7143, 12.1.3): the one algorithm that every target has. */
const CHAP_MD5 = '5'

export interface Who {
  readonly portal: Portal
  readonly initiator: string
  /** Null for a conversation about which targets there are. */
  readonly target: string | null
  readonly chap: Chap | null
  readonly signal: AbortSignal
}

/**
 * A short talk with a target in our own process: questions are answered without the kernel making a
 * session or a single disk, and nothing that waits there can wait for us. It carries no data of a volume.
 */
export class Conversation {
  readonly #who: Who
  readonly #socket: Socket
  readonly #heard: AsyncGenerator<Pdu, void>
  // A random session identifier (type 10b), so that it is nobody's session that is spoken for.
  readonly #isid = Buffer.concat([Buffer.of(0x80), randomBytes(5)])
  #tag = 0
  #command = 1
  #expected = 0

  constructor(who: Who, socket: Socket) {
    this.#who = who
    this.#socket = socket
    this.#heard = decode(socket)
  }

  /** Both stages of a login. @throws TARGET_AWAY LOGIN_FAILED CHAP_FAILED */
  async login(): Promise<void> {
    const { target, initiator, chap } = this.#who
    const [first, settled] = await this.#round(SECURITY, OPERATIONAL, {
      InitiatorName: initiator,
      ...(target === null ? { SessionType: 'Discovery' } : { TargetName: target, SessionType: 'Normal' }),
      AuthMethod: chap ? 'CHAP,None' : 'None',
    })
    if (first.get('AuthMethod') === 'CHAP' && !settled) await this.#prove(chap!)
    let [, ready] = await this.#round(OPERATIONAL, FULL_FEATURE, {
      HeaderDigest: 'None',
      DataDigest: 'None',
      MaxRecvDataSegmentLength: '65536',
      ...(target === null ? {} : PARAMETERS),
    })
    for (let rounds = 0; !ready; rounds++) {
      if (rounds === MOST_ROUNDS) throw this.#error('LOGIN_FAILED', 'does not come to an end of the login')
      ready = (await this.#round(OPERATIONAL, FULL_FEATURE, {}))[1]
    }
  }

  async #prove({ username, password }: Chap): Promise<void> {
    const [asked] = await this.#round(SECURITY, null, { CHAP_A: CHAP_MD5 })
    const challenge = bytesOf(asked.get('CHAP_C') ?? '')
    if (!challenge || asked.get('CHAP_A') !== CHAP_MD5)
      throw this.#error('CHAP_FAILED', 'wants another algorithm than MD5')
    const answer = createHash('md5')
      .update(Buffer.of(Number(asked.get('CHAP_I')) & 0xff))
      .update(password.reveal())
      .update(challenge)
      .digest('hex')
    await this.#round(SECURITY, OPERATIONAL, { CHAP_N: username, CHAP_R: `0x${answer}` })
  }

  /** One request of a login and its answer: the keys, and whether the stage is over. */
  async #round(
    stage: number,
    next: number | null,
    keys: Readonly<Record<string, string>>,
  ): Promise<[keys: ReadonlyMap<string, string>, over: boolean]> {
    const { header, data } = await this.#ask(OP.login, OP.loginResponse, encodeKeys(keys), (request) => {
      request[1] = (next === null ? 0 : TRANSIT | next) | (stage << 2)
      this.#isid.copy(request, 8)
    })
    const [group, detail] = [header[36]!, header[37]!]
    if (group === TARGET_ERROR) throw this.#error('TARGET_AWAY', 'does not serve now')
    if (group === 2 && detail === 1) throw this.#error('CHAP_FAILED', 'does not accept the credentials')
    if (group !== 0) throw this.#error('LOGIN_FAILED', `answers the login with status ${group}/${detail}`)
    return [new Map(decodeKeys(data)), (header[1]! & TRANSIT) !== 0]
  }

  /** The targets and their addresses, as it lists them (RFC 7143, appendix C). */
  async sendTargets(): Promise<(readonly [key: string, value: string])[]> {
    const { data } = await this.#ask(
      OP.text,
      OP.textResponse,
      encodeKeys({ SendTargets: 'All' }),
      (request) => {
        request[1] = FINAL
        request.writeUInt32BE(NO_TAG, 20)
      },
    )
    this.#command++
    return decodeKeys(data)
  }

  /**
   * A SCSI command that reads at most `length` bytes; null where it is refused, as by a LUN that is not there.
   * @param lun its eight bytes as they go over the wire (SAM-5, 4.7)
   */
  async read(lun: Buffer, block: readonly number[], length: number): Promise<Buffer | null> {
    const tag = this.#send(OP.scsiCommand, Buffer.alloc(0), (request) => {
      // Reads, and is a simple task.
      request[1] = FINAL | 0x40 | 0x01
      lun.copy(request, 8)
      request.writeUInt32BE(length, 20)
      request.set(block, 32)
    })
    this.#command++
    const parts: Buffer[] = []
    for (;;) {
      const { header, data } = await this.#next()
      if (header.readUInt32BE(16) !== tag) continue
      if (header[0] === OP.dataIn) {
        parts.push(Buffer.from(data))
        // With the status in it, no response of its own follows.
        if ((header[1]! & 0x01) !== 0) return header[3] === 0 ? Buffer.concat(parts) : null
      } else
        return header[0] === OP.scsiResponse && header[2] === 0 && header[3] === 0
          ? Buffer.concat(parts)
          : null
    }
  }

  /** Says goodbye, so that the target need not find out by itself. */
  close(): void {
    this.#send(OP.logout, Buffer.alloc(0), (request) => (request[1] = FINAL))
    this.#socket.end()
  }

  #send(op: number, data: Buffer, fill: (header: Buffer) => void): number {
    // All of a login is one task (RFC 7143, 11.12.6).
    const tag = op === OP.login ? this.#tag : ++this.#tag
    this.#socket.write(
      encode((header) => {
        header[0] = op
        header.writeUInt32BE(tag, 16)
        header.writeUInt32BE(this.#command, 24)
        header.writeUInt32BE(this.#expected, 28)
        fill(header)
      }, data),
    )
    return tag
  }

  async #ask(op: number, answer: number, data: Buffer, fill: (header: Buffer) => void): Promise<Pdu> {
    const tag = this.#send(op, data, fill)
    for (;;) {
      const pdu = await this.#next()
      if (pdu.header[0] === answer && pdu.header.readUInt32BE(16) === tag) return pdu
    }
  }

  async #next(): Promise<Pdu> {
    const { value } = await this.#heard.next()
    if (!value) throw this.#error('TARGET_AWAY', 'closes the connection')
    // Counts what was answered; of a unit that carries no status the field is reserved.
    if (value.header[0] !== OP.dataIn || (value.header[1]! & 0x01) !== 0)
      this.#expected = (value.header.readUInt32BE(24) + 1) >>> 0
    return value
  }

  #error(code: LunkeeperError['code'], what: string): LunkeeperError {
    return new LunkeeperError(
      code,
      `${this.#who.target ?? 'the portal'} at ${formatPortal(this.#who.portal)} ${what}`,
    )
  }
}

/** What a session for I/O must settle, although none is done: all of it at its most modest. */
const PARAMETERS = {
  InitialR2T: 'Yes',
  ImmediateData: 'No',
  MaxBurstLength: '65536',
  FirstBurstLength: '65536',
  DefaultTime2Wait: '0',
  DefaultTime2Retain: '0',
  MaxOutstandingR2T: '1',
  ErrorRecoveryLevel: '0',
  MaxConnections: '1',
  DataPDUInOrder: 'Yes',
  DataSequenceInOrder: 'Yes',
} as const

/** A large binary value: hexadecimal or base64 (RFC 7143, 6.1). */
function bytesOf(value: string): Buffer | null {
  if (/^0x/i.test(value)) return Buffer.from(value.slice(2), 'hex')
  return /^0b/i.test(value) ? Buffer.from(value.slice(2), 'base64') : null
}

/**
 * Logs in, asks, and ends.
 * @throws PORTAL_REFUSED PORTAL_SILENT PORTAL_UNREACHABLE TARGET_AWAY LOGIN_FAILED CHAP_FAILED CANCELLED
 */
export async function converse<T>(who: Who, work: (talk: Conversation) => Promise<T>): Promise<T> {
  const where = formatPortal(who.portal)
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const fail = (code: LunkeeperError['code'], message: string) => reject(new LunkeeperError(code, message))
  const socket = connect({ host: who.portal.host, port: who.portal.port })
  const timer = setTimeout(() => fail('PORTAL_SILENT', `${where} did not answer in time`), DEADLINE)
  const cancel = () => fail('CANCELLED', `stopped while asking ${where}`)
  who.signal.addEventListener('abort', cancel, { once: true })
  socket.on('error', ({ code, message }: NodeJS.ErrnoException) =>
    code === 'ECONNREFUSED'
      ? fail('PORTAL_REFUSED', `${where} refuses connections`)
      : fail('PORTAL_UNREACHABLE', `${where} cannot be reached: ${message}`),
  )
  const talk = new Conversation(who, socket)
  const talked = (async () => {
    await talk.login()
    const result = await work(talk)
    talk.close()
    return result
  })()
  try {
    return await Promise.race([talked, stopped])
  } catch (cause) {
    if (cause instanceof LunkeeperError) throw cause
    throw new LunkeeperError('LOGIN_FAILED', `${where} does not speak iSCSI: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    // The one that lost the race has nobody to tell.
    talked.catch(() => {})
    stopped.catch(() => {})
    clearTimeout(timer)
    who.signal.removeEventListener('abort', cancel)
    socket.destroySoon()
    setTimeout(() => socket.destroy(), 1_000).unref()
  }
}

import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'

import { LunkeeperError } from '../../../model/errors.ts'
import type { Portal } from '../../../model/portal.ts'
import { formatPortal } from '../../../model/portal.ts'
import type { Chap } from '../../../model/secret.ts'
import type { ChapAlgorithm } from './chap.ts'
import {
  challengeOf,
  DEFAULT_ALGORITHMS,
  hexOf,
  isProof,
  newChallenge,
  offeredAlgorithms,
  responseTo,
} from './chap.ts'
import { connectPortal } from './connect-portal.ts'
import { PARAMETERS } from './parameters.ts'
import { decode, decodeKeys, encode, encodeKeys, OP, type Pdu } from './pdu.ts'

/** For the whole conversation: a target that is up answers each question within milliseconds. */
const DEADLINE_MS = 5_000

/** Stages of a login, and the bit that asks for the next (RFC 7143, 11.12.3). */
const [SECURITY, OPERATIONAL, FULL_FEATURE] = [0, 1, 3] as const
const TRANSIT = 0x80
const FINAL = 0x80
/** The text continues in the next data unit (RFC 7143, 11.11.2). */
const CONTINUE = 0x40
const NO_TAG = 0xff_ff_ff_ff
/** A login with more rounds than this will not complete. */
const MAX_ROUNDS = 8
/** Target error: "not now" (RFC 7143, 11.13.5). */
const TARGET_ERROR = 3
/** A list of about ten thousand addresses, in any number of parts. */
const MAX_TEXT_BYTES = 1 << 20
const MAX_PARTS = 1024

export interface ConnectionOptions {
  readonly portal: Portal
  readonly initiator: string
  /** Null for a discovery conversation. */
  readonly target: string | null
  readonly chap: Chap | null
  /** Allowed CHAP hash algorithms, in order of preference. @default MD5 */
  readonly algorithms?: readonly ChapAlgorithm[]
  readonly signal: AbortSignal
}

/**
 * A short conversation with a target in our own process: questions are answered without a session or disk in the
 * kernel, and a stuck target cannot block us. It carries no volume data.
 */
export class IscsiConnection {
  readonly #who: ConnectionOptions
  readonly #socket: Socket
  readonly #heard: AsyncGenerator<Pdu, void>
  // A random session identifier (type 10b), which matches no existing session.
  readonly #isid = Buffer.concat([Buffer.of(0x80), randomBytes(5)])
  #tag = 0
  #command = 1
  #expected = 0

  constructor(who: ConnectionOptions, socket: Socket) {
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
      // With credentials only CHAP is offered: a target that does not ask for it is not the one that they belong
      // to.
      AuthMethod: chap ? 'CHAP' : 'None',
    })
    if (chap && (first.get('AuthMethod') !== 'CHAP' || settled))
      throw this.#error('CHAP_FAILED', 'does not use CHAP, although credentials are configured')
    if (chap) await this.#prove(chap)
    else if (!settled) throw this.#error('LOGIN_FAILED', 'requires authentication')
    let [, ready] = await this.#round(OPERATIONAL, FULL_FEATURE, {
      HeaderDigest: 'None',
      DataDigest: 'None',
      MaxRecvDataSegmentLength: '65536',
      ...(target === null ? {} : PARAMETERS),
    })
    for (let rounds = 0; !ready; rounds++) {
      if (rounds === MAX_ROUNDS) throw this.#error('LOGIN_FAILED', 'does not complete the login')
      ready = (await this.#round(OPERATIONAL, FULL_FEATURE, {}))[1]
    }
  }

  /**
   * Authenticates this node to the target and, if there is a secret for it, requires the target to authenticate itself.
   * In this protocol the target receives our answer first; nothing more is sent until its own is verified.
   */
  async #prove({ username, password, mutual }: Chap): Promise<void> {
    const wanted = this.#who.algorithms ?? DEFAULT_ALGORITHMS
    const [asked] = await this.#round(SECURITY, null, { CHAP_A: offeredAlgorithms(wanted) })
    const theirs = challengeOf(asked, wanted)
    if (!theirs) throw this.#error('CHAP_FAILED', `does not ask for CHAP with one of ${wanted.join(', ')}`)
    const ours = mutual && newChallenge(theirs)
    const [proof, settled] = await this.#round(SECURITY, OPERATIONAL, {
      CHAP_N: username,
      CHAP_R: hexOf(responseTo(theirs, password)),
      ...(ours ? { CHAP_I: String(ours.id), CHAP_C: hexOf(ours.bytes) } : {}),
    })
    if (ours && !isProof(proof, ours, mutual)) throw this.#error('CHAP_FAILED', 'did not authenticate itself')
    for (let over = settled, rounds = 0; !over; rounds++) {
      if (rounds === MAX_ROUNDS) throw this.#error('LOGIN_FAILED', 'does not complete CHAP')
      over = (await this.#round(SECURITY, OPERATIONAL, {}))[1]
    }
  }

  /** One login request and its answer: the keys, and whether the stage is complete. */
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
    if (group === TARGET_ERROR) throw this.#error('TARGET_AWAY', 'is not available now')
    if (group === 2 && detail === 1) throw this.#error('CHAP_FAILED', 'rejects the credentials')
    if (group !== 0) throw this.#error('LOGIN_FAILED', `answers the login with status ${group}/${detail}`)
    return [new Map(decodeKeys(data)), (header[1]! & TRANSIT) !== 0]
  }

  /**
   * The targets and their addresses, as listed by the portal (RFC 7143, appendix C). A list longer than one data unit
   * arrives in parts, each requested with the tag of the one before; a key may be cut anywhere.
   */
  async sendTargets(): Promise<(readonly [key: string, value: string])[]> {
    const parts: Buffer[] = []
    let [tag, transfer, bytes]: [number | null, number, number] = [null, NO_TAG, 0]
    for (let count = 0; ; count++) {
      const request = parts.length === 0 ? encodeKeys({ SendTargets: 'All' }) : Buffer.alloc(0)
      const { header, data } = await this.#ask(
        OP.text,
        OP.textResponse,
        request,
        (to) => {
          to[1] = FINAL
          to.writeUInt32BE(transfer, 20)
        },
        tag,
      )
      this.#command++
      parts.push(Buffer.from(data))
      bytes += data.length
      tag = header.readUInt32BE(16)
      transfer = header.readUInt32BE(20)
      // Not final, or cut (C): more follows. Without a tag it cannot be requested.
      const isMore = (header[1]! & FINAL) === 0 || (header[1]! & CONTINUE) !== 0
      if (!isMore) return decodeKeys(Buffer.concat(parts))
      if (transfer === NO_TAG || count === MAX_PARTS || bytes > MAX_TEXT_BYTES)
        throw this.#error('LOGIN_FAILED', 'does not complete its list of targets')
    }
  }

  /**
   * A SCSI command that reads at most `length` bytes; null if it is rejected, as for a LUN that does not exist.
   * @param lun its eight bytes as sent over the network (SAM-5, 4.7)
   */
  async read(lun: Buffer, block: readonly number[], length: number): Promise<Buffer | null> {
    const tag = this.#send(OP.scsiCommand, Buffer.alloc(0), (request) => {
      // Reads, as a simple task.
      request[1] = FINAL | 0x40 | 0x01
      lun.copy(request, 8)
      request.writeUInt32BE(length, 20)
      request.set(block, 32)
    })
    this.#command++
    const parts: Buffer[] = []
    let bytes = 0
    for (;;) {
      const { header, data } = await this.#next()
      if (header.readUInt32BE(16) !== tag) continue
      if (header[0] === OP.dataIn) {
        parts.push(Buffer.from(data))
        bytes += data.length
        if (bytes > length)
          throw this.#error('LOGIN_FAILED', `sends more than the ${length} bytes it was asked for`)
        // If the data carries the status, no separate response follows.
        if ((header[1]! & 0x01) !== 0) return header[3] === 0 ? Buffer.concat(parts) : null
      } else
        return header[0] === OP.scsiResponse && header[2] === 0 && header[3] === 0
          ? Buffer.concat(parts)
          : null
    }
  }

  /** Logs out, so that the target need not detect the end itself. */
  close(): void {
    this.#send(OP.logout, Buffer.alloc(0), (request) => (request[1] = FINAL))
    this.#socket.end()
  }

  /**
   * @param same the tag of the task that continues: a whole login is one task, and so is a whole text exchange (RFC
   * 7143, 11.12.6)
   */
  #send(op: number, data: Buffer, fill: (header: Buffer) => void, same: number | null = null): number {
    const tag = same ?? (op === OP.login ? this.#tag : ++this.#tag)
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

  async #ask(
    op: number,
    answer: number,
    data: Buffer,
    fill: (header: Buffer) => void,
    same: number | null = null,
  ): Promise<Pdu> {
    const tag = this.#send(op, data, fill, same)
    for (;;) {
      const pdu = await this.#next()
      if (pdu.header[0] === answer && pdu.header.readUInt32BE(16) === tag) return pdu
    }
  }

  async #next(): Promise<Pdu> {
    const { value } = await this.#heard.next()
    if (!value) throw this.#error('TARGET_AWAY', 'closes the connection')
    // Counts answers; in a unit that carries no status the field is reserved.
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

/**
 * Logs in, asks, and logs out.
 * @throws PORTAL_REFUSED PORTAL_SILENT PORTAL_UNREACHABLE TARGET_AWAY LOGIN_FAILED CHAP_FAILED CANCELLED
 */
export async function withConnection<T>(
  who: ConnectionOptions,
  work: (talk: IscsiConnection) => Promise<T>,
): Promise<T> {
  using connection = connectPortal(who.portal, who.signal, DEADLINE_MS)
  const { socket, failed } = connection
  const talk = new IscsiConnection(who, socket)
  const talked = (async () => {
    await talk.login()
    const result = await work(talk)
    talk.close()
    return result
  })()
  try {
    return await Promise.race([talked, failed])
  } catch (cause) {
    if (cause instanceof LunkeeperError) throw cause
    const where = formatPortal(who.portal)
    throw new LunkeeperError('LOGIN_FAILED', `${where} does not speak iSCSI: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    // If it lost the race, its result is not read.
    talked.catch(() => {})
    socket.destroySoon()
    setTimeout(() => socket.destroy(), 1_000).unref()
  }
}

import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

import { IscsiConnection } from '../../../src/host/iscsi/client/connection.ts'
import { readLuns } from '../../../src/host/iscsi/client/luns.ts'
import { encode, encodeKeys, OP } from '../../../src/host/iscsi/client/pdu.ts'
import { portalsIn } from '../../../src/host/iscsi/client/portals.ts'
import { parseIqn } from '../../../src/model/iqn.ts'
import { formatPortal, parsePortal } from '../../../src/model/portal.ts'
import { Secret } from '../../../src/model/secret.ts'
import { expectOneLine, expectThat, orRefusedLater } from '../promises.ts'
import type { Target } from '../target.ts'

const IQN = parseIqn('iqn.2026-01.example:db')
const PORTAL = parsePortal('10.0.0.5')
const CHAP = {
  username: 'me',
  password: new Secret('0123456789ab'),
  mutual: { username: 'them', password: new Secret('ba9876543210') },
}
/** The first byte of an input selects what is asked, and how the answer arrives. */
const KINDS = ['discovery', 'luns', 'chap'] as const

/** `withConnection` would turn other errors into LOGIN_FAILED, too: here they are bugs. */
async function talking(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!/^a data segment of \d+ bytes/.test((error as Error).message)) throw error
  }
}

/** A target's side of a connection: everything that it will ever send. */
class Answers extends Duplex {
  constructor(input: Buffer, piece: number) {
    super()
    for (let at = 0; at < input.length; at += piece) this.push(input.subarray(at, at + piece))
    this.push(null)
  }

  override _read(): void {}

  override _write(_: Buffer, __: BufferEncoding, done: () => void): void {
    done()
  }
}

const answer = (
  op: number,
  tag: number,
  flags: number,
  data: Buffer,
  fill: (header: Buffer) => void = () => {},
): Buffer =>
  encode((header) => {
    header[0] = op
    header[1] = flags
    header.writeUInt32BE(tag, 16)
    header.writeUInt32BE(0xff_ff_ff_ff, 20)
    fill(header)
  }, data)

function seeds(): Buffer[] {
  const login = [
    answer(OP.loginResponse, 0, 0x81, encodeKeys({ AuthMethod: 'None', TargetPortalGroupTag: '1' })),
    answer(OP.loginResponse, 0, 0x87, encodeKeys({ HeaderDigest: 'None', DataDigest: 'None' })),
  ]
  const chap = [
    answer(OP.loginResponse, 0, 0x00, encodeKeys({ AuthMethod: 'CHAP' })),
    answer(
      OP.loginResponse,
      0,
      0x00,
      encodeKeys({ CHAP_A: '5', CHAP_I: '9', CHAP_C: `0x${'ab'.repeat(16)}` }),
    ),
    answer(OP.loginResponse, 0, 0x81, encodeKeys({ CHAP_N: 'them', CHAP_R: `0x${'cd'.repeat(16)}` })),
  ]
  const list = Buffer.from(
    `TargetName=${IQN}\0TargetAddress=10.0.0.5:3260,1\0TargetAddress=[fe80::1]:3260,2\0`,
  )
  const luns = Buffer.alloc(24)
  luns.writeUInt32BE(16, 0)
  luns.writeUInt16BE(5, 16)
  const page = Buffer.from('0080000561616161350083', 'hex')
  const data = (tag: number, body: Buffer) => answer(OP.dataIn, tag, 0x81, body)
  return [
    Buffer.concat([Buffer.of(0), ...login, answer(OP.textResponse, 1, 0x80, list)]),
    Buffer.concat([
      Buffer.of(3),
      ...login,
      answer(OP.textResponse, 1, 0x40, list.subarray(0, 30), (to) => to.writeUInt32BE(7, 20)),
      answer(OP.textResponse, 1, 0x80, list.subarray(30)),
    ]),
    Buffer.concat([
      Buffer.of(1),
      ...login,
      data(1, luns),
      data(2, page),
      data(3, page),
      data(4, page),
      data(5, page),
    ]),
    Buffer.concat([Buffer.of(2), ...chap]),
  ]
}

/** What a target, or anything that answers in its place, sends in answer to this node's own questions. */
export const iscsiTarget: Target = {
  name: 'iscsi-target',
  reads: 'iSCSI PDUs: login, CHAP, SendTargets, REPORT LUNS, INQUIRY',
  seeds,
  words: [
    '\x23',
    '\x24',
    '\x25',
    '\x21',
    '\x81',
    '\x87',
    'TargetName=',
    'TargetAddress=',
    '\0',
    ':3260,1',
    'AuthMethod=CHAP',
    'CHAP_A=5',
    'CHAP_I=',
    'CHAP_C=0x',
    'CHAP_C=0b',
    'CHAP_N=',
    '\xff\xff\xff\xff',
  ],
  async run(input) {
    const first = input[0] ?? 0
    const kind = KINDS[first % KINDS.length]!
    const socket = new Answers(input.subarray(1), Math.max(1, first >> 2) * 8)
    const signal = new AbortController().signal
    const who = {
      portal: PORTAL,
      initiator: 'iqn.2026-01.example:node',
      target: kind === 'discovery' ? null : IQN,
      chap: kind === 'chap' ? CHAP : null,
      signal,
    }
    try {
      await orRefusedLater(() =>
        talking(async () => {
          const talk = new IscsiConnection(who, socket as unknown as Socket)
          await talk.login()
          expectThat(kind !== 'chap', 'a target that does not have its secret has proved that it does')
          if (kind === 'discovery')
            for (const portal of portalsIn(await talk.sendTargets(), IQN, PORTAL))
              expectOneLine(formatPortal(portal))
          else for (const { wwid, serial } of await readLuns(talk)) expectOneLine(`${wwid} ${serial}`)
          talk.close()
        }),
      )
    } finally {
      socket.destroy()
    }
  },
}

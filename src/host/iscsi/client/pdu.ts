import type { Socket } from 'node:net'

/** Basic header segment (RFC 7143, 11.2.1). Neither digests nor additional header segments are negotiated. */
export const HEADER = 48

/** Opcodes of an initiator and of a target (RFC 7143, 11.1.1). */
export const OP = {
  scsiCommand: 0x01,
  login: 0x43,
  text: 0x04,
  logout: 0x46,
  scsiResponse: 0x21,
  loginResponse: 0x23,
  textResponse: 0x24,
  dataIn: 0x25,
} as const

export interface Pdu {
  readonly header: Buffer
  readonly data: Buffer
}

/** The longest data segment that is accepted; we announce less. */
const MAX_SEGMENT_BYTES = 1 << 20

/** A protocol data unit as sent over the network. @param fill sets the non-zero fields of its header */
export function encode(fill: (header: Buffer) => void, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUIntBE(data.length, 5, 3)
  fill(header)
  return Buffer.concat([header, data, Buffer.alloc(padding(data.length))])
}

/** Keys and values of login and text requests (RFC 7143, 6.1). */
export function encodeKeys(keys: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(
    Object.entries(keys)
      .map(([key, value]) => `${key}=${value}\0`)
      .join(''),
  )
}

/** In the original order: a list of targets repeats its keys. */
export function decodeKeys(data: Buffer): (readonly [key: string, value: string])[] {
  return data
    .toString('utf8')
    .split('\0')
    .flatMap((pair) => {
      const at = pair.indexOf('=')
      return at > 0 ? [[pair.slice(0, at), pair.slice(at + 1)] as const] : []
    })
}

/** The incoming data units, one after the other; ends with the connection. */
export async function* decode(socket: Socket): AsyncGenerator<Pdu, void> {
  let heard = Buffer.alloc(0)
  let held = 0
  for await (const chunk of socket) {
    // Room for twice as much: a target may send a byte at a time. Units that were yielded are not written to again.
    if (held + (chunk as Buffer).length > heard.length)
      heard = Buffer.concat([heard.subarray(0, held)], 2 * (held + (chunk as Buffer).length))
    held += (chunk as Buffer).copy(heard, held)
    while (held >= HEADER) {
      const { start, length, end } = extentOf(heard)
      if (held < end) break
      yield { header: heard.subarray(0, HEADER), data: heard.subarray(start, start + length) }
      heard = heard.subarray(end)
      held -= end
    }
  }
}

/** Where the data of a unit starts, its length, and where the unit ends. @param heard at least its header */
function extentOf(heard: Buffer): { start: number; length: number; end: number } {
  const length = heard.readUIntBE(5, 3)
  if (length > MAX_SEGMENT_BYTES) throw new Error(`a data segment of ${length} bytes`)
  // The byte before counts additional header segments, in words of four bytes.
  const start = HEADER + 4 * (heard[4] ?? 0)
  return { start, length, end: start + length + padding(length) }
}

function padding(length: number): number {
  return (4 - (length % 4)) % 4
}

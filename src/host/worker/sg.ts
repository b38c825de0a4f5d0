import { readSync, writeSync } from 'node:fs'

// The sg driver's first interface needs neither ioctl nor pointers, so plain read and write do:
// write struct sg_header + command block + data, read struct sg_header + data (include/scsi/sg.h).
const HEADER = 36

/** SCSI status codes, shifted right by one, as the sg driver shows them. */
const CHECK_CONDITION = 0x01
const RESERVATION_CONFLICT = 0x0c

/** Sense keys (SPC-4 table 48). */
const ILLEGAL_REQUEST = 0x05
const UNIT_ATTENTION = 0x06

/** CHECK CONDITION and the like: the device answered that it will not. */
export class Refused extends Error {
  /** The answer was that there is no such LUN: ILLEGAL REQUEST, LOGICAL UNIT NOT SUPPORTED (SPC-4 annex D). */
  readonly absent: boolean
  /** The device does not know the command, or this form of it: ILLEGAL REQUEST. */
  readonly isUnknown: boolean
  /** Something happened since the last command; the command was not carried out, and may be sent again. */
  readonly isAttention: boolean
  /** RESERVATION CONFLICT. */
  readonly isConflict: boolean

  constructor(status: number, sense: Buffer) {
    const key = sense[2]! & 0x0f
    super(
      `SCSI status ${status}, sense ${[key, sense[12]!, sense[13]!].map((n) => n.toString(16)).join('/')}`,
    )
    const isChecked = status === CHECK_CONDITION
    this.absent = isChecked && key === ILLEGAL_REQUEST && sense[12] === 0x25
    this.isUnknown = isChecked && key === ILLEGAL_REQUEST && !this.absent
    this.isAttention = isChecked && key === UNIT_ATTENTION
    this.isConflict = status === RESERVATION_CONFLICT
  }
}

/**
 * Sends one command that reads, and returns what the device gave. Waits as long as the kernel does.
 * @throws Refused, and EIO where the command did not reach the device
 */
export function command(fd: number, block: readonly number[], length: number): Buffer {
  const reply = exchange(fd, block, Buffer.alloc(0), length)
  return reply.subarray(HEADER)
}

/** Sends one command with data for the device. @throws as {@link command} */
export function send(fd: number, block: readonly number[], data: Buffer): void {
  exchange(fd, block, data, 0)
}

function exchange(fd: number, block: readonly number[], data: Buffer, length: number): Buffer {
  const request = Buffer.alloc(HEADER + block.length + data.length)
  request.writeInt32LE(request.length, 0)
  // A reply no longer than its header tells the driver that data goes out (drivers/scsi/sg.c:sg_write).
  request.writeInt32LE(HEADER + length, 4)
  request.set(block, HEADER)
  request.set(data, HEADER + block.length)
  writeSync(fd, request)
  const reply = Buffer.alloc(HEADER + length)
  const got = readSync(fd, reply)
  // Bits 1-5 after `result` are the SCSI status, shifted; 8-15 host status; 16-23 driver status.
  const flags = reply.readUInt32LE(16)
  const status = (flags >> 1) & 0x1f
  const host = (flags >> 6) & 0xff
  const result = reply.readInt32LE(12)
  if (status !== RESERVATION_CONFLICT) {
    if (result !== 0)
      throw Object.assign(new Error(`SCSI command ended with errno ${result}`), { code: 'EIO' })
    if (host !== 0) throw Object.assign(new Error(`SCSI transport status ${host}`), { code: 'EIO' })
  }
  if (status !== 0) throw new Refused(status, reply.subarray(20, HEADER))
  return reply.subarray(0, Math.max(HEADER, got))
}

import { readSync, writeSync } from 'node:fs'

// The sg driver's first interface needs neither ioctl nor pointers, so read(2) and write(2) are enough: write struct
// sg_header, command block and data; read struct sg_header and data (include/scsi/sg.h).
const HEADER_BYTES = 36

/** SCSI status codes, shifted right by one, as the sg driver shows them. */
const CHECK_CONDITION = 0x01
const RESERVATION_CONFLICT = 0x0c

/** Sense keys (SPC-4 table 48), and an additional sense code. */
const ILLEGAL_REQUEST = 0x05
const UNIT_ATTENTION = 0x06
const LOGICAL_UNIT_NOT_SUPPORTED = 0x25

/** The device answered with a status other than GOOD, such as CHECK CONDITION. */
export class ScsiError extends Error {
  /** There is no such LUN: ILLEGAL REQUEST, LOGICAL UNIT NOT SUPPORTED (SPC-4 annex D). */
  readonly isAbsent: boolean
  /** The device does not support the command, or this form of it: ILLEGAL REQUEST. */
  readonly isUnsupported: boolean
  /** UNIT ATTENTION: a condition since the last command. This command was not carried out, and can be repeated. */
  readonly isAttention: boolean
  readonly isConflict: boolean

  constructor(status: number, sense: Buffer) {
    const { key, code, qualifier } = parseSense(sense)
    super(`SCSI status ${status}, sense ${[key, code, qualifier].map((n) => n.toString(16)).join('/')}`)
    const isChecked = status === CHECK_CONDITION
    this.isAbsent = isChecked && key === ILLEGAL_REQUEST && code === LOGICAL_UNIT_NOT_SUPPORTED
    this.isUnsupported = isChecked && key === ILLEGAL_REQUEST && !this.isAbsent
    this.isAttention = isChecked && key === UNIT_ATTENTION
    this.isConflict = status === RESERVATION_CONFLICT
  }
}

/** Response codes 72h and 73h are descriptor format, in which the fields have other places (SPC-4 section 4.5). */
function parseSense(sense: Buffer): { key: number; code: number; qualifier: number } {
  const isDescriptorFormat = (sense[0]! & 0x7e) === 0x72
  const [key, code, qualifier] = isDescriptorFormat
    ? [sense[1]!, sense[2]!, sense[3]!]
    : [sense[2]!, sense[12]!, sense[13]!]
  return { key: key & 0x0f, code, qualifier }
}

/**
 * Sends a command that reads. Waits for as long as the kernel does.
 * @param length bytes to read at most
 * @returns the data that the device returned
 * @throws ScsiError · EIO the command did not reach the device
 */
export function readCommand(fd: number, block: readonly number[], length: number): Buffer {
  return exchange(fd, block, Buffer.alloc(0), length).subarray(HEADER_BYTES)
}

/** Sends a command with data for the device. @throws as {@link readCommand} */
export function writeCommand(fd: number, block: readonly number[], data: Buffer): void {
  exchange(fd, block, data, 0)
}

function exchange(fd: number, block: readonly number[], data: Buffer, length: number): Buffer {
  const request = Buffer.alloc(HEADER_BYTES + block.length + data.length)
  request.writeInt32LE(request.length, 0)
  // A reply length of the header only tells the driver that data goes to the device (drivers/scsi/sg.c:sg_write).
  request.writeInt32LE(HEADER_BYTES + length, 4)
  request.set(block, HEADER_BYTES)
  request.set(data, HEADER_BYTES + block.length)
  writeSync(fd, request)
  const reply = Buffer.alloc(HEADER_BYTES + length)
  const got = readSync(fd, reply)
  // After `result`, bits 1-5 are the SCSI status, shifted; bits 6-13 the host status; bits 14-21 the driver status.
  const flags = reply.readUInt32LE(16)
  const status = (flags >> 1) & 0x1f
  const host = (flags >> 6) & 0xff
  const result = reply.readInt32LE(12)
  if (status !== RESERVATION_CONFLICT) {
    if (result !== 0)
      throw Object.assign(new Error(`SCSI command ended with errno ${result}`), { code: 'EIO' })
    if (host !== 0) throw Object.assign(new Error(`SCSI transport status ${host}`), { code: 'EIO' })
  }
  if (status !== 0) throw new ScsiError(status, reply.subarray(20, HEADER_BYTES))
  return reply.subarray(0, Math.max(HEADER_BYTES, got))
}

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'

import type { Inquiry, VitalPage } from './protocol.ts'

// The sg driver's first interface needs neither ioctl nor pointers, so plain read and write do:
// write struct sg_header + command block, read struct sg_header + data (include/scsi/sg.h).
const HEADER = 36
const ALLOCATION = 255

/** CHECK CONDITION and the like: the device answered that it will not. */
class Refused extends Error {
  /** The answer was that there is no such LUN. */
  readonly absent: boolean

  constructor(status: number, sense: Buffer) {
    const key = sense[2]! & 0x0f
    super(
      `SCSI status ${status}, sense ${[key, sense[12]!, sense[13]!].map((n) => n.toString(16)).join('/')}`,
    )
    // ILLEGAL REQUEST, LOGICAL UNIT NOT SUPPORTED (SPC-4, table 43 and annex D): a LUN that was unmapped.
    this.absent = status === 1 && key === 5 && sense[12] === 0x25
  }
}

/** Sends one command that reads, and returns what the device gave. Waits as long as the kernel does. */
function command(fd: number, block: readonly number[], length: number): Buffer {
  const request = Buffer.alloc(HEADER + block.length)
  request.writeInt32LE(request.length, 0)
  request.writeInt32LE(HEADER + length, 4)
  request.set(block, HEADER)
  writeSync(fd, request)
  const reply = Buffer.alloc(HEADER + length)
  const got = readSync(fd, reply)
  const result = reply.readInt32LE(12)
  if (result !== 0) throw Object.assign(new Error(`SCSI command ended with errno ${result}`), { code: 'EIO' })
  // Bits 1-5 after `result` are the SCSI status, shifted; 8-15 host status; 16-23 driver status.
  const flags = reply.readUInt32LE(16)
  const status = (flags >> 1) & 0x1f
  const host = (flags >> 6) & 0xff
  if (host !== 0) throw Object.assign(new Error(`SCSI transport status ${host}`), { code: 'EIO' })
  if (status !== 0) throw new Refused(status, reply.subarray(20, HEADER))
  return reply.subarray(HEADER, Math.max(HEADER, got))
}

function unlessRefused<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof Refused) return null
    throw error
  }
}

/** SPC-4 section 6.6.1: INQUIRY, with EVPD and a page code for a vital product data page. */
function vitalPage(fd: number, page: number): Buffer | null {
  const data = unlessRefused(() => command(fd, [0x12, 1, page, 0, ALLOCATION, 0], ALLOCATION))
  if (!data || data.length < 4 || data[1] !== page) return null
  return data.subarray(0, 4 + data.readUInt16BE(2))
}

/** SBC-3 section 5.16: READ CAPACITY (16): last block and block length. */
function capacity(fd: number): number | null {
  const block = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0]
  // A unit attention that was waiting is told once, with the first command that is not INQUIRY.
  for (let attempt = 0; attempt < 3; attempt++) {
    const data = unlessRefused(() => command(fd, block, 32))
    if (data && data.length >= 12)
      return Number((data.readBigUInt64BE(0) + 1n) * BigInt(data.readUInt32BE(8)))
  }
  return null
}

export function inquire(path: string): Inquiry {
  const fd = openSync(path, constants.O_RDWR)
  try {
    const standard = command(fd, [0x12, 0, 0, 0, 36, 0], 36)
    // Qualifier 0 and type 0: a disk is connected here. 3/1Fh is "no such LUN".
    if (standard[0] !== 0) return ABSENT
    return { present: true, page80: vitalPage(fd, 0x80), page83: vitalPage(fd, 0x83), bytes: capacity(fd) }
  } catch (error) {
    if (error instanceof Refused && error.absent) return ABSENT
    throw error
  } finally {
    closeSync(fd)
  }
}

/** One VPD page; null where the target says that there is no such LUN, or none that is a disk. */
export function vital(path: string, page: number): VitalPage {
  try {
    const fd = openSync(path, constants.O_RDWR)
    try {
      const data = command(fd, [0x12, 1, page, 0, ALLOCATION, 0], ALLOCATION)
      // Qualifier 0 and type 0: a disk is connected here.
      if (data[0] !== 0) return null
      return data.subarray(0, 4 + data.readUInt16BE(2))
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (error instanceof Refused && error.absent) return null
    const { code, message } = error as NodeJS.ErrnoException
    return { errno: code ?? 'EIO', message }
  }
}

const ABSENT: Inquiry = { present: false, page80: null, page83: null, bytes: null }

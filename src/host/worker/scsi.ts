import { closeSync, constants, openSync } from 'node:fs'

import type { Inquiry, VitalAnswer, VitalQuestion, VolumePart } from './protocol.ts'
import { persistOn } from './reservation.ts'
import { command, Refused } from './sg.ts'

const ALLOCATION = 255

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

interface Capacity {
  readonly blocks: bigint
  readonly blockBytes: number
}

/** SBC-3 section 5.16: READ CAPACITY (16): last block and block length. */
function capacity(fd: number): Capacity | null {
  const block = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0]
  // A pending unit attention is reported once, with the first command that is not INQUIRY.
  for (let attempt = 0; attempt < 3; attempt++) {
    const data = unlessRefused(() => command(fd, block, 32))
    if (data && data.length >= 12)
      return { blocks: data.readBigUInt64BE(0) + 1n, blockBytes: data.readUInt32BE(8) }
  }
  return null
}

/** What one READ carries: more than every host and driver takes is split anyway. */
const READ_BYTES = 64 << 10

/** A part of the volume by READ (16), SBC-3 section 5.13: from the target, not from the page cache. */
function readPart(fd: number, { offset, length }: VolumePart, { blockBytes }: Capacity): Buffer | null {
  if (blockBytes === 0 || offset % blockBytes !== 0 || length % blockBytes !== 0) return null
  const block = Buffer.alloc(16)
  block[0] = 0x88
  block.writeBigUInt64BE(BigInt(offset / blockBytes), 2)
  block.writeUInt32BE(length / blockBytes, 10)
  return unlessRefused(() => command(fd, [...block], length))
}

/** Several parts of the volume, one after the other; null where one of them cannot be read. */
export function readVolume(path: string, parts: readonly VolumePart[]): Uint8Array | null {
  const fd = openSync(path, constants.O_RDWR)
  try {
    const size = capacity(fd)
    if (!size) return null
    const read: Buffer[] = []
    for (const { offset, length } of parts)
      for (let at = 0; at < length; at += READ_BYTES) {
        const part = { offset: offset + at, length: Math.min(READ_BYTES, length - at) }
        const bytes = readPart(fd, part, size)
        if (bytes?.length !== part.length) return null
        read.push(bytes)
      }
    return Buffer.concat(read)
  } finally {
    closeSync(fd)
  }
}

/** @param reservations whether to read who has reserved the volume, too */
export function inquire(path: string, reservations: boolean): Inquiry {
  const fd = openSync(path, constants.O_RDWR)
  try {
    const standard = command(fd, [0x12, 0, 0, 0, 36, 0], 36)
    // Qualifier 0 and type 0: a disk is connected here. 3/1Fh is "no such LUN".
    if (standard[0] !== 0) return ABSENT
    const [page80, page83, size] = [vitalPage(fd, 0x80), vitalPage(fd, 0x83), capacity(fd)]
    return {
      present: true,
      page80,
      page83,
      bytes: size && Number(size.blocks * BigInt(size.blockBytes)),
      reservations: reservations ? persistOn(fd, [{ read: 'keys' }, { read: 'reservation' }]) : null,
    }
  } catch (error) {
    if (error instanceof Refused && error.absent) return ABSENT
    throw error
  } finally {
    closeSync(fd)
  }
}

/** One VPD page; null if the target reports no such LUN, or that it is not a disk. */
export function vital({ sg, page, reservation = false }: VitalQuestion): VitalAnswer {
  try {
    const fd = openSync(sg, constants.O_RDWR)
    try {
      const data = command(fd, [0x12, 1, page, 0, ALLOCATION, 0], ALLOCATION)
      // Qualifier 0 and type 0: a disk is connected here.
      if (data[0] !== 0) return { page: null, reservation: null }
      const [told] = reservation ? persistOn(fd, [{ read: 'reservation' }]) : []
      return {
        page: data.subarray(0, 4 + data.readUInt16BE(2)),
        reservation: told?.kind === 'done' ? told.data : null,
      }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (error instanceof Refused && error.absent) return { page: null, reservation: null }
    const { code, message } = error as NodeJS.ErrnoException
    return { page: { errno: code ?? 'EIO', message }, reservation: null }
  }
}

const ABSENT: Inquiry = {
  present: false,
  page80: null,
  page83: null,
  bytes: null,
  reservations: null,
}

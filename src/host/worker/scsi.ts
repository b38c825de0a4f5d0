import { closeSync, constants, openSync } from 'node:fs'

import { announcedLength } from '../read/vpd.ts'
import type { Inquiry, VitalAnswer, VitalQuestion, VolumePart } from './protocol.ts'
import { persistOn } from './reservation.ts'
import { readCommand, ScsiError } from './sg.ts'

/** Every device accepts this allocation length for a VPD page: older ones read one byte of it. */
const SHORT_PAGE_BYTES = 255

/** Null if the device rejects the command. */
function orNull<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof ScsiError) return null
    throw error
  }
}

/**
 * Null if the device does not support the command. Any other error, such as ABORTED COMMAND or BUSY, reveals
 * nothing about what the device has.
 */
function orUnsupported<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof ScsiError && error.isUnsupported) return null
    throw error
  }
}

/** INQUIRY with EVPD and a page code, SPC-4 section 6.6.1. */
function readPage(fd: number, page: number, length: number): Buffer {
  return readCommand(fd, [0x12, 1, page, length >> 8, length & 0xff, 0], length)
}

/**
 * A whole VPD page, header included. A page that is longer than {@link SHORT_PAGE_BYTES}, as of a target with many ports,
 * is read again with its announced length: a designator in the cut-off part may be the one that names the volume.
 * @throws ScsiError the device rejects the command
 */
function readWholePage(fd: number, page: number): Buffer {
  const short = readPage(fd, page, SHORT_PAGE_BYTES)
  const length = announcedLength(short)
  const whole = length > short.length ? orUnsupported(() => readPage(fd, page, length)) : null
  return (whole && whole.length > short.length ? whole : short).subarray(0, length)
}

/** Null if the device has no such page. @throws ScsiError the device does not report whether it does */
function vitalPage(fd: number, page: number): Buffer | null {
  const data = orUnsupported(() => readWholePage(fd, page))
  return data && data.length >= 4 && data[1] === page ? data : null
}

interface Capacity {
  readonly blocks: bigint
  readonly blockBytes: number
}

/** A pending unit attention is reported once, to the first command that is not INQUIRY. */
const CAPACITY_ATTEMPTS = 3

/** READ CAPACITY (16), SBC-3 section 5.16: the last block and the block length. */
function capacity(fd: number): Capacity | null {
  const block = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0]
  for (let attempt = 0; attempt < CAPACITY_ATTEMPTS; attempt++) {
    const data = orNull(() => readCommand(fd, block, 32))
    if (data && data.length >= 12)
      return { blocks: data.readBigUInt64BE(0) + 1n, blockBytes: data.readUInt32BE(8) }
  }
  return null
}

/** Bytes per READ: hosts and drivers split larger transfers anyway. */
const READ_BYTES = 64 << 10

/** READ (16), SBC-3 section 5.13: a part of the volume from the target, not from the page cache. */
function readPart(fd: number, { offset, length }: VolumePart, { blockBytes }: Capacity): Buffer | null {
  if (blockBytes === 0 || offset % blockBytes !== 0 || length % blockBytes !== 0) return null
  const block = Buffer.alloc(16)
  block[0] = 0x88
  block.writeBigUInt64BE(BigInt(offset / blockBytes), 2)
  block.writeUInt32BE(length / blockBytes, 10)
  return orNull(() => readCommand(fd, [...block], length))
}

/** Several parts of the volume, in one array; null if one of them cannot be read. @param path the sg device */
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

/**
 * Identity and size of the device at an sg node.
 * @param reservations whether to read its registrations and reservation too
 */
export function inquire(path: string, reservations: boolean): Inquiry {
  const fd = openSync(path, constants.O_RDWR)
  try {
    const standard = readCommand(fd, [0x12, 0, 0, 0, 36, 0], 36)
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
    if (error instanceof ScsiError && error.isAbsent) return ABSENT
    throw error
  } finally {
    closeSync(fd)
  }
}

/** VPD pages, and the reservation if it is asked for. Errors are part of the answer: other disks follow. */
export function vital({ sg, pages, reservation = false }: VitalQuestion): VitalAnswer {
  try {
    const fd = openSync(sg, constants.O_RDWR)
    try {
      const data = pages.map((page) => readWholePage(fd, page))
      // Qualifier 0 and type 0: a disk is connected here.
      if (data.some((page) => page[0] !== 0)) return { pages: null, reservation: null }
      const [answer] = reservation ? persistOn(fd, [{ read: 'reservation' }]) : []
      return { pages: data, reservation: answer?.kind === 'done' ? answer.data : answer ? 'refused' : null }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (error instanceof ScsiError && error.isAbsent) return { pages: null, reservation: null }
    const { code, message } = error as NodeJS.ErrnoException
    return { pages: { errno: code ?? 'EIO', message }, reservation: null }
  }
}

const ABSENT: Inquiry = {
  present: false,
  page80: null,
  page83: null,
  bytes: null,
  reservations: null,
}

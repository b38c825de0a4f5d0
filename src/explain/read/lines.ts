import { openFinder } from './needles.ts'
import type { Feed, Sink } from './sink.ts'
import { textOf } from './text.ts'
import { WORTH } from './worth.ts'

/** No relevant line of the kernel or iscsid is longer; of a longer line the beginning is read. */
const LONGEST = 16 << 10
/** A block may start with lines without a time: a trace, a program's output. */
const SAMPLES = 16
/** Until something was recognized, more is tried. */
const SAMPLES_AT_FIRST = 1000

/** Number of lines per block that are parsed only for their time. */
const BETWEEN = 8

const NEWLINE = 0x0a

export const findWorth = openFinder(WORTH)

/** Reads lines; most are only searched for their ends. Keeps at most one block and one line in memory. */
export function openLines(sink: Sink): Feed {
  let lines = 0
  let understood = false
  // The beginning of a line whose end has not arrived.
  let begun: Buffer[] = []
  let begunLength = 0
  // Inside an overlong line, after its beginning was read.
  let skipping = false

  /** Whole lines, including their line ends. */
  function scan(block: Buffer): void {
    sampleFirst(block)
    lines += countLines(block)
    const step = Math.max(1, Math.floor(block.length / BETWEEN))
    let next = step
    /** In the order of the log, which is needed to complete times without a year. */
    function sampleUpTo(position: number): void {
      for (; next < position; next += step) {
        const start = startOf(block, next)
        sink.sample(cut(block, start, endOf(block, next)), 0)
      }
    }
    for (let hit = findWorth(block, 0); hit !== -1;) {
      const start = startOf(block, hit)
      const end = endOf(block, hit)
      sampleUpTo(start)
      sink.line(cut(block, start, end))
      next = Math.max(next, end + 1)
      hit = findWorth(block, end + 1)
    }
    sampleUpTo(block.length)
    sampleLast(block)
  }

  function sampleFirst(block: Buffer): void {
    let start = 0
    for (let tries = 0; start < block.length; tries++) {
      if (tries >= (understood ? SAMPLES : SAMPLES_AT_FIRST)) return
      const end = endOf(block, start)
      if (sink.sample(cut(block, start, end), lines + tries + 1)) {
        understood = true
        return
      }
      start = end + 1
    }
  }

  function sampleLast(block: Buffer): void {
    let end = block.length - 1
    for (let tries = 0; tries < SAMPLES && end > 0; tries++) {
      const start = block.lastIndexOf(NEWLINE, end - 1) + 1
      if (sink.sample(cut(block, start, end), 0)) return
      end = start - 1
    }
  }

  function begin(bytes: Buffer): void {
    if (bytes.length === 0) return
    // A copy, because the caller may reuse the block.
    begun.push(Buffer.from(bytes))
    begunLength += bytes.length
    if (begunLength <= LONGEST) return
    finish(Buffer.from('\n'))
    skipping = true
  }

  function finish(rest: Buffer): void {
    const line = Buffer.concat([...begun, rest])
    begun = []
    begunLength = 0
    scan(line)
  }

  return {
    feed(bytes) {
      let start = 0
      if (skipping || begunLength > 0) {
        const end = bytes.indexOf(NEWLINE)
        if (end === -1) {
          if (!skipping) begin(bytes)
          return
        }
        if (!skipping) finish(bytes.subarray(0, end + 1))
        skipping = false
        start = end + 1
      }
      const last = bytes.lastIndexOf(NEWLINE)
      if (last >= start) scan(bytes.subarray(start, last + 1))
      begin(bytes.subarray(Math.max(start, last + 1)))
    },
    end() {
      if (begunLength > 0) finish(Buffer.from('\n'))
      return lines
    },
  }
}

/** Four bytes at a time: finds zero bytes in the exclusive or with four newlines. */
export function countLines(block: Uint8Array): number {
  let lines = 0
  let at = 0
  const aligned = Math.min(block.length, (4 - (block.byteOffset & 3)) & 3)
  for (; at < aligned; at++) if (block[at] === NEWLINE) lines++
  if (block.length - at < 4) {
    for (; at < block.length; at++) if (block[at] === NEWLINE) lines++
    return lines
  }
  const words = new Int32Array(block.buffer, block.byteOffset + at, (block.length - at) >> 2)
  for (let index = 0; index < words.length; index++) {
    const bytes = words[index]! ^ 0x0a0a0a0a
    const zeros = ~(((bytes & 0x7f7f7f7f) + 0x7f7f7f7f) | bytes) & 0x80808080
    if (zeros !== 0) lines += Math.imul(zeros >>> 7, 0x01010101) >>> 24
  }
  for (at += words.length << 2; at < block.length; at++) if (block[at] === NEWLINE) lines++
  return lines
}

function startOf(block: Buffer, from: number): number {
  return from === 0 ? 0 : block.lastIndexOf(NEWLINE, from - 1) + 1
}

function endOf(block: Buffer, from: number): number {
  const end = block.indexOf(NEWLINE, from)
  return end === -1 ? block.length : end
}

function cut(block: Buffer, start: number, end: number): string {
  return textOf(block, start, Math.min(end, start + LONGEST))
}

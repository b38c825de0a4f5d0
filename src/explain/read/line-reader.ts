import { openPhraseSearch } from './phrase-search.ts'
import type { LogReader, Sink } from './log-reader.ts'
import { textOf } from './character-set.ts'
import { RELEVANT_PHRASES } from './relevant-phrases.ts'

/** No relevant line of the kernel or iscsid is longer. Only the beginning of a longer line is read. */
const MAX_LINE_BYTES = 16 << 10
/** Lines of a block that are tried for a time, because a block can start with a stack trace or a program's output. */
const SAMPLES_PER_BLOCK = 16
/** The same until the format of the log was recognized. */
const SAMPLES_AT_START = 1000

/** Lines between the relevant ones that are parsed only for their time, per block. */
const TIME_SAMPLES_PER_BLOCK = 8

const NEWLINE = 0x0a

export const findRelevantPhrase = openPhraseSearch(RELEVANT_PHRASES)

/**
 * Reads lines. Only lines with a relevant phrase, and a few for their time, are decoded. Keeps at most one block and
 * one line in memory.
 */
export function openLineReader(sink: Sink): LogReader {
  let lines = 0
  let isRecognized = false
  // The beginning of a line whose end has not arrived yet.
  let partial: Buffer[] = []
  let partialLength = 0
  // The rest of an overlong line is being skipped.
  let isSkipping = false

  /** @param block whole lines, including their line ends */
  function scan(block: Buffer): void {
    sampleFirst(block)
    lines += countLines(block)
    const step = Math.max(1, Math.floor(block.length / TIME_SAMPLES_PER_BLOCK))
    let next = step
    /** Samples in the order of the log, because the year of a time is derived from the times before it. */
    function sampleUpTo(position: number): void {
      for (; next < position; next += step) {
        const start = lineStart(block, next)
        sink.sample(lineText(block, start, lineEnd(block, next)), 0)
      }
    }
    for (let hit = findRelevantPhrase(block, 0); hit !== -1;) {
      const start = lineStart(block, hit)
      const end = lineEnd(block, hit)
      sampleUpTo(start)
      sink.line(lineText(block, start, end))
      next = Math.max(next, end + 1)
      hit = findRelevantPhrase(block, end + 1)
    }
    sampleUpTo(block.length)
    sampleLast(block)
  }

  function sampleFirst(block: Buffer): void {
    let start = 0
    for (let tries = 0; start < block.length; tries++) {
      if (tries >= (isRecognized ? SAMPLES_PER_BLOCK : SAMPLES_AT_START)) return
      const end = lineEnd(block, start)
      if (sink.sample(lineText(block, start, end), lines + tries + 1)) {
        isRecognized = true
        return
      }
      start = end + 1
    }
  }

  function sampleLast(block: Buffer): void {
    let end = block.length - 1
    for (let tries = 0; tries < SAMPLES_PER_BLOCK && end > 0; tries++) {
      const start = block.lastIndexOf(NEWLINE, end - 1) + 1
      if (sink.sample(lineText(block, start, end), 0)) return
      end = start - 1
    }
  }

  function keepPartial(bytes: Buffer): void {
    if (bytes.length === 0) return
    // A copy, because the caller may reuse the block.
    partial.push(Buffer.from(bytes))
    partialLength += bytes.length
    if (partialLength <= MAX_LINE_BYTES) return
    finishPartial(Buffer.from('\n'))
    isSkipping = true
  }

  function finishPartial(rest: Buffer): void {
    const line = Buffer.concat([...partial, rest])
    partial = []
    partialLength = 0
    scan(line)
  }

  return {
    feed(bytes) {
      let start = 0
      if (isSkipping || partialLength > 0) {
        const end = bytes.indexOf(NEWLINE)
        if (end === -1) {
          if (!isSkipping) keepPartial(bytes)
          return
        }
        if (!isSkipping) finishPartial(bytes.subarray(0, end + 1))
        isSkipping = false
        start = end + 1
      }
      const last = bytes.lastIndexOf(NEWLINE)
      if (last >= start) scan(bytes.subarray(start, last + 1))
      keepPartial(bytes.subarray(Math.max(start, last + 1)))
    },
    end() {
      if (partialLength > 0) finishPartial(Buffer.from('\n'))
      return lines
    },
  }
}

/**
 * Counts the newlines of a block, four bytes at a time: it counts the zero bytes of their exclusive or with four
 * newlines.
 */
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

function lineStart(block: Buffer, from: number): number {
  return from === 0 ? 0 : block.lastIndexOf(NEWLINE, from - 1) + 1
}

function lineEnd(block: Buffer, from: number): number {
  const end = block.indexOf(NEWLINE, from)
  return end === -1 ? block.length : end
}

function lineText(block: Buffer, start: number, end: number): string {
  return textOf(block, start, Math.min(end, start + MAX_LINE_BYTES))
}

/** No kernel or iscsid line that matters is longer; of a longer one the beginning is read. */
const LONGEST = 16 << 10

/** Something that every line that matters has. One pass of the regex engine costs less than looking at each line. */
const WORTH =
  /conn error \(|recovery timed out|ping timeout of|I\/O [eE]rror|callbacks suppressed|rejecting I\/O|offlined|Aborting journal|EXT[34]-fs|XFS \(|BTRFS|JBD2|Linux version |Kernel reported iSCSI|is operational|is shutdown|connect(?:ion)? to |: \[sd[a-z]+\] |iSCSI Initiator over|Failing path/g

export interface Reader {
  /** A line that may matter. */
  line(text: string): void
  /** The first and the last lines of a block, so that the passing of time is seen between the others. @returns whether it was of use */
  sample(text: string): boolean
}

/** Takes bytes as they come; keeps at most one block and one line. */
export interface Blocks {
  feed(bytes: Buffer): void
  /** @returns how many lines there were */
  end(): number
}

export function openBlocks(reader: Reader): Blocks {
  let lines = 0
  // The beginning of a line whose end has not come.
  let begun = ''
  // In a line that is too long, after its beginning was read.
  let skipping = false

  /** Whole lines, each with its end. */
  function scan(block: string): void {
    for (let at = block.indexOf('\n'); at !== -1; at = block.indexOf('\n', at + 1)) lines++
    sampleFirst(block)
    WORTH.lastIndex = 0
    for (let hit = WORTH.exec(block); hit; hit = WORTH.exec(block)) {
      const start = block.lastIndexOf('\n', hit.index) + 1
      const end = block.indexOf('\n', hit.index)
      reader.line(textOf(block, start, end))
      WORTH.lastIndex = end + 1
    }
    sampleLast(block)
  }

  function sampleFirst(block: string): void {
    let start = 0
    for (let tries = 0; tries < SAMPLES && start < block.length; tries++) {
      const end = block.indexOf('\n', start)
      if (reader.sample(textOf(block, start, end))) return
      start = end + 1
    }
  }

  function sampleLast(block: string): void {
    let end = block.length - 1
    for (let tries = 0; tries < SAMPLES && end > 0; tries++) {
      const start = block.lastIndexOf('\n', end - 1) + 1
      if (reader.sample(textOf(block, start, end))) return
      end = start - 1
    }
  }

  function take(text: string): void {
    let rest = text
    if (skipping) {
      const end = rest.indexOf('\n')
      if (end === -1) return
      skipping = false
      rest = rest.slice(end + 1)
    }
    const all = begun + rest
    const end = all.lastIndexOf('\n') + 1
    if (end > 0) scan(all.slice(0, end))
    begun = all.slice(end)
    if (begun.length <= LONGEST) return
    scan(`${begun.slice(0, LONGEST)}\n`)
    begun = ''
    skipping = true
  }

  return {
    // Latin-1 keeps a byte a byte and makes nothing of a broken character: a log may hold anything.
    feed: (bytes) => take(bytes.toString('latin1')),
    end() {
      if (begun !== '') take('\n')
      return lines
    },
  }
}

/** A block may begin with lines that have no time: a trace, a program's output. */
const SAMPLES = 16

/** A copy, not a slice: a slice that somebody keeps would keep its whole block. */
function textOf(block: string, start: number, end: number): string {
  return Buffer.from(block.slice(start, Math.min(end, start + LONGEST)), 'latin1')
    .toString('utf8')
    .trimEnd()
}

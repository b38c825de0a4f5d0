import type { Display } from '../../../src/cli/output/display.ts'
import { displayOf } from '../../../src/cli/output/display.ts'
import type { Audience, Moment } from './drill.ts'
import type { SideName } from '../volumes.ts'
import type { Standing, Tone } from './session-words.ts'
import { sessionWords } from './session-words.ts'
import { BOTH, SIDES, span } from '../words.ts'

/** Slower than any healthy write of a lab machine. */
const WAITS = 500
/** Output that is not a terminal gets a line at least this often, to show that the drill is still running. */
const QUIET = 30_000
const MARKS: Readonly<Record<Tone, string>> = { well: '●', waits: '…', bad: '✗' }
const COLOURS = { well: 'green', waits: 'yellow', bad: 'red' } as const

/** Shows a drill while it runs: on a terminal, three lines that are updated; otherwise, one line for each change. */
export function live(out: NodeJS.WriteStream): Audience {
  const began = Date.now()
  const look = displayOf(out)
  const known = new Map<SideName, string>()
  let drawn = 0
  let said = began

  function say(words: string): void {
    said = Date.now()
    out.write(`${((said - began) / 1000).toFixed(0).padStart(4)} s  ${words}\n`)
  }

  return {
    phase(name) {
      drawn = 0
      say(look.paint('bold', name))
    },
    pulse(now) {
      if (out.isTTY) {
        const lines = [
          `${'  Storage machine'.padEnd(LABEL)}${storageNow(now)}`,
          ...BOTH.map((side) => sideLine(now, side, look)),
        ]
        out.write(
          `${drawn > 0 ? `\u001b[${drawn}A` : ''}${lines.map((line) => `\u001b[2K${line}\n`).join('')}`,
        )
        drawn = lines.length
        return
      }
      for (const side of BOTH) {
        const [writer, session] = [writerNow(now, side), sessionNow(now, side)]
        const kind = `${writer.tone}, ${session.name}`
        if (known.get(side) === kind) continue
        known.set(side, kind)
        say(`${SIDES[side]}: ${look.paint(COLOURS[writer.tone], writer.name)}, session ${session.name}`)
      }
      if (Date.now() - said >= QUIET) say(`Storage machine: ${storageNow(now)}`)
    },
  }
}

const LABEL = 2 + SIDES.stock.length + 2

function storageNow({ plan, killed, back }: Moment): string {
  if (killed === null) return 'serves both'
  if (back === null) return `dead for ${span(Date.now() - killed)} of ${plan.outage} s`
  return `another one serves, since ${span(Date.now() - back)}`
}

/** Less important parts are further to the right, where a narrow terminal cuts the line. */
function sideLine(now: Moment, side: SideName, look: Display): string {
  const writer = writerNow(now, side)
  const { acknowledged, refused } = now.writers[side]
  const cells: [string, Tone | null][] = [
    [`  ${SIDES[side]}`.padEnd(LABEL), null],
    [`${MARKS[writer.tone]} ${writer.name} ${writer.since}`.padEnd(29), writer.tone],
    [`session ${sessionNow(now, side).name}`.padEnd(33), null],
    [`${refused.length} errors`.padEnd(13), null],
    [`${acknowledged.length} blocks`, null],
  ]
  let room = look.width - 1
  return cells
    .map(([words, tone]) => {
      // a wrapped line would be two lines to move up over
      const shown = words.slice(0, Math.max(0, room))
      room -= shown.length
      return tone === null ? shown : look.paint(COLOURS[tone], shown)
    })
    .join('')
}

function sessionNow({ watch, mode }: Moment, side: SideName): Standing {
  return sessionWords(side, mode, watch.sessions[side].at(-1)?.state ?? 'none')
}

/** `since`: how long this has lasted, as text; empty while the writer writes. */
function writerNow({ writers }: Moment, side: SideName): Standing & { readonly since: string } {
  const { acknowledged, refused } = writers[side]
  const last = acknowledged.at(-1)?.at ?? 0
  const error = refused.at(-1)
  if (error && error.at > last) {
    const { at } = refused.find(({ at }) => at > last)!
    return { tone: 'bad', name: `broken (${error.error})`, since: span(Date.now() - at) }
  }
  const quiet = Date.now() - last
  return quiet > WAITS
    ? { tone: 'waits', name: 'waits', since: span(quiet) }
    : { tone: 'well', name: 'writes', since: '' }
}

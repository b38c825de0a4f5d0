import type { Audience, Moment } from './drill.ts'
import type { SideName } from './scene.ts'
import { SIDES, span } from './words.ts'

const LINE_EVERY = 1000
/** Slower than any healthy write of a lab machine. */
const WAITS = 500

/** Shows a drill while it runs: two lines that change on a terminal, a line a second elsewhere. */
export function live(out: NodeJS.WriteStream): Audience {
  const began = Date.now()
  let drawn = 0
  let told = 0
  let phase = ''
  return {
    phase(name) {
      phase = name
      drawn = 0
      out.write(`${clock(Date.now() - began)}  ${name}\n`)
    },
    pulse(now) {
      if (out.isTTY) {
        // a line that wraps would be two to go back over
        const lines = sides(now).map((line) => line.slice(0, out.columns - 1))
        out.write(
          `${drawn > 0 ? `\u001b[${drawn}A` : ''}${lines.map((line) => `\u001b[2K${line}\n`).join('')}`,
        )
        drawn = lines.length
        return
      }
      if (Date.now() - told < LINE_EVERY) return
      told = Date.now()
      out.write(
        `${clock(Date.now() - began)}  ${phase} | ${sides(now)
          .map((line) => line.trim().replaceAll(/ +/g, ' '))
          .join(' | ')}\n`,
      )
    },
  }
}

const clock = (ms: number) => `${(ms / 1000).toFixed(0).padStart(4)} s`

const sides = (now: Moment): string[] =>
  (['stock', 'lunkeeper'] as const).map((side) => `  ${words(now, side)}`)

function words({ watch, writers }: Moment, side: SideName): string {
  const { acknowledged, refused } = writers[side]
  const session = watch.sessions[side].at(-1)?.state ?? 'none'
  const last = acknowledged.at(-1)
  const error = refused.at(-1)
  const quiet = Date.now() - Math.max(last?.at ?? 0, error?.at ?? 0)
  const state =
    error && error.at > (last?.at ?? 0)
      ? `fails: ${error.error}`
      : quiet > WAITS
        ? `waits ${span(quiet)}`
        : 'writes'
  return [
    SIDES[side].padEnd(15),
    session.padEnd(9),
    state.padEnd(14),
    `last ${span(last?.ms ?? 0)}`.padEnd(11),
    `${acknowledged.length} blocks`.padEnd(11),
    `${refused.length} errors`,
  ].join(' ')
}

import type { Drill, Side } from '../result.ts'
import type { SideName } from '../../volumes.ts'
import type { Standing } from '../session-words.ts'
import { sessionWords } from '../session-words.ts'

/** A named period of time. */
export interface Stretch extends Standing {
  readonly from: number
  readonly to: number
}

interface Part extends Standing {
  readonly at: number
}

function stretches(parts: readonly Part[], { started, ended }: Drill): Stretch[] {
  return parts
    .map(({ at, ...rest }, index) => ({
      ...rest,
      from: Math.max(at, started),
      to: Math.min(parts[index + 1]?.at ?? ended, ended),
    }))
    .filter(({ from, to }) => to > from)
}

/** The state of the session according to the kernel. */
export function sessionBand(drill: Drill, name: SideName): Stretch[] {
  return stretches(
    drill.sides[name].sessions.map(({ at, state }) => ({ at, ...sessionWords(name, drill.mode, state) })),
    drill,
  )
}

/** What happens to I/O while the target is away. */
export function holdBand(drill: Drill, name: SideName): Stretch[] {
  const side = drill.sides[name]
  const parts = name === 'lunkeeper' && drill.mode === 'map' ? mapParts(drill) : timerParts(drill, side, name)
  const error = side.refused[0]
  if (!error) return stretches(parts, drill)
  const codes = [...new Set(side.refused.map((one) => one.error))].join(', ')
  const over = side.acknowledged.find(({ at }) => at > error.at)
  return stretches(
    [
      ...parts.filter(({ at }) => at < error.at),
      { at: error.at, tone: 'bad', name: `over: writes fail with ${codes}` },
      ...(over ? [{ at: over.at, ...IDLE }] : []),
    ],
    drill,
  )
}

const IDLE = { tone: 'well', name: 'not needed' } as const
const waits = (most: number) => ({ tone: 'waits', name: `writes wait, for ${most} s at most` }) as const

const mapParts = ({ holding, plan }: Drill): Part[] =>
  holding.map(({ at, state }) => ({ at, ...(state ? waits(plan.hold) : IDLE) }))

const timerParts = ({ plan }: Drill, { sessions }: Side, name: SideName): Part[] =>
  sessions.map(({ at, state }) => ({
    at,
    ...(state === 'LOGGED_IN' ? IDLE : waits(name === 'stock' ? plan.timer : plan.hold)),
  }))

import type { Drill } from '../result.ts'

/** The space for a drawing, in its own units. */
export interface Frame {
  readonly width: number
  /** the positions of the first and the last moment */
  readonly left: number
  readonly right: number
  /** how many time marks fit */
  readonly marks: number
  /** whether to use the shorter of two wordings */
  readonly brief: boolean
}

export const WIDE: Frame = { width: 1080, left: 84, right: 1064, marks: 13, brief: false }
/** For a phone, where the wide one would be unreadable or cut off. */
export const NARROW: Frame = { width: 360, left: 58, right: 356, marks: 6, brief: true }

export const PANEL = 180

/** The horizontal position of a moment. */
export function across({ started, ended }: Drill, { left, right }: Frame): (at: number) => number {
  const unit = (right - left) / (ended - started)
  return (at) => Math.min(right, Math.max(left, left + (at - started) * unit))
}

/** The vertical position of a duration, from the top of a panel: each decade has the same height. */
export function down(longest: number): (ms: number) => number {
  const decades = Math.log10(Math.max(1000, longest)) * 1.06
  return (ms) => PANEL * (1 - Math.log10(Math.max(1, ms)) / decades)
}

/** A round step between marks, chosen so that no more marks are needed than fit. */
export function step(seconds: number, { marks }: Frame): number {
  return [1, 2, 5, 10, 20, 30, 60].find((size) => seconds / size <= marks) ?? 120
}

import type { Drill } from '../result.ts'

/** The room that a drawing has, in its own units. */
export interface Frame {
  readonly width: number
  /** where the first moment is, and the last */
  readonly left: number
  readonly right: number
  /** how many marks of time there is room for */
  readonly marks: number
  /** of two wordings, the one that fits */
  readonly brief: boolean
}

export const WIDE: Frame = { width: 1080, left: 84, right: 1064, marks: 13, brief: false }
/** For a phone, where the wide one would be unreadable or cut off. */
export const NARROW: Frame = { width: 360, left: 58, right: 356, marks: 6, brief: true }

export const PANEL = 180

/** Where a moment is. */
export function across({ started, ended }: Drill, { left, right }: Frame): (at: number) => number {
  const unit = (right - left) / (ended - started)
  return (at) => Math.min(right, Math.max(left, left + (at - started) * unit))
}

/** Where a duration is, from a panel's top: each decade is as high as the next. */
export function down(longest: number): (ms: number) => number {
  const decades = Math.log10(Math.max(1000, longest)) * 1.06
  return (ms) => PANEL * (1 - Math.log10(Math.max(1, ms)) / decades)
}

/** A round step between marks, so that there are no more of them than there is room for. */
export function step(seconds: number, { marks }: Frame): number {
  return [1, 2, 5, 10, 20, 30, 60].find((size) => seconds / size <= marks) ?? 120
}

import type { Drill } from '../result.ts'

/** Of the drawing, in its own units. */
export const WIDTH = 1080
export const LEFT = 84
export const RIGHT = 1064
export const PANEL = 180

/** Where a moment is. */
export function across({ started, ended }: Drill): (at: number) => number {
  const unit = (RIGHT - LEFT) / (ended - started)
  return (at) => Math.min(RIGHT, Math.max(LEFT, LEFT + (at - started) * unit))
}

/** Where a duration is, from a panel's top: each decade is as high as the next. */
export function down(longest: number): (ms: number) => number {
  const decades = Math.log10(Math.max(1000, longest)) * 1.06
  return (ms) => PANEL * (1 - Math.log10(Math.max(1, ms)) / decades)
}

/** A step between marks that leaves six to thirteen of them. */
export function step(seconds: number): number {
  return [1, 2, 5, 10, 20, 30, 60].find((size) => seconds / size <= 13) ?? 120
}

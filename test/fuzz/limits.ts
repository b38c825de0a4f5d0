import type { Target } from './target.ts'
import { Broken } from './promises.ts'

/** What an input may take. */
export interface Limits {
  /** Processor time for each KiB that was begun, in milliseconds. */
  readonly msPerKib: number
  /** Processor time for any input, in milliseconds. */
  readonly ms: number
}

/** What was promised: 100 ms for each KiB. For code with counters in it, which is several times slower. */
export const PROMISED: Limits = { msPerKib: 100, ms: 0 }

/**
 * Far below what was promised: a parser whose time grows with the square of its input keeps 100 ms for each KiB of 64 KiB,
 * and misses this.
 */
export const STRICT: Limits = { msPerKib: 8, ms: 100 }

/** What resident memory may grow by in one input, beyond the input. */
const MEMORY_MIB = 64
/** A collection of garbage, or a compilation, may come at any time: an input that was slow gets more chances. */
const CHANCES = 4

/** Runs one input within its limits. @throws Broken, and what the target throws */
export async function runWithin(target: Target, input: Buffer, limits: Limits): Promise<void> {
  const before = process.resourceUsage()
  const running = target.run(input)
  if (running) await running
  const after = process.resourceUsage()
  const grown = (after.maxRSS - before.maxRSS) / 1024 - input.length / 1024 / 1024
  if (grown > MEMORY_MIB)
    throw new Broken(`memory grew by ${Math.round(grown)} MiB over an input of ${input.length} bytes`)
  const limit = limits.ms + limits.msPerKib * Math.max(1, Math.ceil(input.length / 1024))
  let least = cpuMs(before, after)
  for (let chance = 1; least > limit && chance < CHANCES; chance++)
    least = Math.min(least, await again(target, input))
  if (least > limit)
    throw new Broken(`${Math.round(least)} ms for ${input.length} bytes, where ${limit} are allowed`)
}

async function again(target: Target, input: Buffer): Promise<number> {
  const before = process.resourceUsage()
  await target.run(input)
  return cpuMs(before, process.resourceUsage())
}

/** Processor time: other work on the machine adds nothing to it. */
function cpuMs(before: NodeJS.ResourceUsage, after: NodeJS.ResourceUsage): number {
  return (after.userCPUTime - before.userCPUTime + after.systemCPUTime - before.systemCPUTime) / 1000
}

import type { Target } from './target.ts'
import { Broken } from './promises.ts'

/** The limits for an input. */
export interface Limits {
  /** Processor time for each started KiB, in milliseconds. */
  readonly msPerKib: number
  /** Processor time for any input, in milliseconds. */
  readonly ms: number
}

/** The promise: 100 ms for each KiB. For code with coverage counters, which is several times slower. */
export const PROMISED: Limits = { msPerKib: 100, ms: 0 }

/**
 * Far below the promise: a parser whose time grows with the square of its input stays below 100 ms for each KiB of
 * 64 KiB, but exceeds this limit.
 */
export const STRICT: Limits = { msPerKib: 8, ms: 100 }

/** How much resident memory may grow during one input, beyond the input itself. */
const MEMORY_MIB = 64
/** A garbage collection or a compilation may happen at any time: a slow input gets more attempts. */
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

/** Processor time, to which other work on the machine adds nothing. */
function cpuMs(before: NodeJS.ResourceUsage, after: NodeJS.ResourceUsage): number {
  return (after.userCPUTime - before.userCPUTime + after.systemCPUTime - before.systemCPUTime) / 1000
}

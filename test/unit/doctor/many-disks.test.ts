import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

import { afterEach, expect, it } from 'vitest'

import { diagnose } from '../../../src/doctor/diagnose.ts'
import { temporary } from '../temporary.ts'
import { nodeOfDisks } from './many-disks.ts'

const READS = ['openSync', 'readFileSync', 'readdirSync', 'readlinkSync', 'statSync', 'existsSync'] as const
const originals = Object.fromEntries(READS.map((name) => [name, fs[name]]))

let reads = 0
function countReads(): void {
  for (const name of READS) {
    const original = originals[name] as (...args: unknown[]) => unknown
    Object.assign(fs, {
      [name]: (...args: unknown[]) => {
        reads++
        return original(...args)
      },
    })
  }
  syncBuiltinESMExports()
}
afterEach(() => {
  Object.assign(fs, originals)
  syncBuiltinESMExports()
})

/** How much a diagnosis of a node with this many disks reads, and its processor time, the best of three. */
async function costOf(disks: number): Promise<{ reads: number; cpu: number; findings: string[] }> {
  const root = temporary()
  const host = nodeOfDisks(root, disks)
  const cpus: number[] = []
  let findings: string[] = []
  for (let round = 0; round < 3; round++) {
    reads = 0
    const before = process.cpuUsage()
    findings = (await diagnose(host)).map(({ code }) => code)
    const { user, system } = process.cpuUsage(before)
    cpus.push(user + system)
  }
  const cost = { reads, cpu: Math.min(...cpus), findings }
  // Removing tens of thousands of files takes longer than a hook may.
  fs.rmSync(root, { recursive: true })
  return cost
}

/** Reads that do not depend on the number of disks: configuration, /proc. */
const CONSTANT = 150

it('a diagnosis reads each disk a few times, however many others there are', async () => {
  countReads()
  const [small, large] = [await costOf(50), await costOf(100)]
  expect(small.findings.filter((code) => code === 'CHECK_FAILED')).toEqual([])
  expect(large.reads - small.reads).toBeLessThanOrEqual(small.reads)
  expect(large.reads).toBeLessThan(100 * 20 + CONSTANT)
}, 120_000)

it.runIf(process.env['LUNKEEPER_TEST_EVERYTHING'])(
  'twice as many disks, of a thousand, take twice as long',
  async () => {
    const [small, large] = [await costOf(1_000), await costOf(2_000)]
    // If anything grew with the square of the number, this would be four times.
    expect(large.cpu / small.cpu).toBeLessThan(3)
  },
  600_000,
)

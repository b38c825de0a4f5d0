// Plays random histories of two nodes that want the same volume, and checks after each step that it has only one
// writer.
//   node test/histories/two-nodes/run.ts [--ops N] [--seed S] [--length N] [--debian bookworm|trixie] [--machines N]
//        [--plant NAME]... [--keep DIR] [--replay FILE] [--continue] [--verbose]
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import type { Debian } from '../../../lab/index.ts'
import { flags, mutationsNamed } from '../flags.ts'
import type { TwoNodesOperation } from './history.ts'
import type { Played } from './play.ts'
import { play } from './play.ts'

const { values } = parseArgs({ options: flags('200', '40') })
const debian = values.debian as Debian
const mutations = mutationsNamed(values.plant)

const say = (line: string) => void process.stdout.write(`${line}\n`)
const total = { histories: 0, operations: 0, writes: 0, epochs: 0, violations: 0, broken: 0 }
const started = performance.now()
let left = Number(values.ops)
let seed = Number(values.seed)

async function one(
  history: { readonly seed: number; readonly operations: readonly TwoNodesOperation[] | number },
  cpu: number | undefined,
): Promise<void> {
  const played = await play({ debian, cpu, mutations }, history, values.verbose ? say : undefined)
  total.histories++
  total.operations += played.operations.length
  total.writes += played.writes
  total.epochs += played.epochs
  if (played.violation) total.violations++
  say(
    `seed ${history.seed} ${debian}: ${played.operations.length} operations, ${played.writes} writes, ${played.epochs} attachments, ${(played.ms / 1000).toFixed(1)} s: ${played.violation?.message ?? 'no violation'}`,
  )
  if (played.violation) await keep(history.seed, played)
}

async function keep(of: number, { operations, log }: Played): Promise<void> {
  if (values.keep === undefined) return
  await mkdir(values.keep, { recursive: true })
  const name = join(values.keep, `two-nodes-${debian}-${of}`)
  await writeFile(`${name}.json`, `${JSON.stringify({ seed: of, operations }, null, 2)}\n`)
  await writeFile(`${name}.log`, `${log.join('\n')}\n`)
}

async function work(cpu: number | undefined): Promise<void> {
  while (left > 0 && (values.continue || total.violations === 0)) {
    const length = Math.min(left, Number(values.length))
    left -= length
    const of = seed++
    await one({ seed: of, operations: length }, cpu).catch((error: Error) => {
      // A kernel of the lab may panic; the other histories are still worth playing.
      if (!values.continue) throw error
      total.broken++
      say(`seed ${of} ${debian}: not played to its end: ${String(error.cause ?? error)}`)
    })
  }
}

if (values.replay === undefined) {
  const machines = Number(values.machines)
  await Promise.all(Array.from({ length: machines }, (_, index) => work(machines === 1 ? undefined : index)))
} else await one(JSON.parse(await readFile(values.replay, 'utf8')), undefined)
say(
  `${debian}: ${total.histories} histories of two nodes, ${total.operations} operations, ${total.writes} writes, ${total.epochs} attachments, ${((performance.now() - started) / 1000).toFixed(0)} s, ${total.violations} violations${total.broken > 0 ? `, ${total.broken} not played to their end: the harness broke` : ''}`,
)
process.exitCode = total.violations + total.broken > 0 ? 1 : 0

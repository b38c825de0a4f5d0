// Plays random histories of operations and faults, and checks after each step that no byte is where it should not be.
//   node test/histories/run.ts [--ops N] [--seed S] [--length N] [--debian bookworm|trixie] [--machines N]
//        [--plant NAME]... [--shrink] [--keep DIR] [--replay FILE] [--continue] [--verbose]
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import type { Debian } from '../../lab/index.ts'
import { flags, mutationsNamed } from './flags.ts'
import type { History } from './history.ts'
import { words } from './history.ts'
import type { Played } from './play.ts'
import { Player } from './player.ts'
import { shrink } from './shrink.ts'

const { values } = parseArgs({
  options: {
    ...flags('300', '60'),
    shrink: { type: 'boolean', default: false },
  },
})
const debian = values.debian as Debian
const plant = mutationsNamed(values.plant)

const say = (line: string) => void process.stdout.write(`${line}\n`)
const total = { histories: 0, operations: 0, writes: 0, violations: 0, broken: 0, ms: 0 }
const started = performance.now()
let left = Number(values.ops)
let seed = Number(values.seed)

function count(history: Pick<History, 'seed'>, played: Played): void {
  total.histories++
  total.operations += played.operations.length
  total.writes += played.writes
  if (played.violation) total.violations++
  say(
    `seed ${history.seed} ${debian}: ${played.operations.length} operations, ${played.writes} writes, ${(played.ms / 1000).toFixed(1)} s: ${played.violation?.message ?? 'no violation'}`,
  )
}

async function found(player: Player, history: Pick<History, 'seed'>, played: Played): Promise<void> {
  const { violation } = played
  if (!violation) return
  let shortest: History = { seed: history.seed, debian, operations: played.operations }
  await keep(shortest, played, '')
  if (!values.shrink) return
  shortest = await shrink(player, shortest, violation, say)
  say(`shrunk to ${shortest.operations.length} operations:`)
  for (const operation of shortest.operations) say(`  ${words(operation)}`)
  await keep(shortest, null, '-shrunk')
}

async function keep(history: History, played: Played | null, what: string): Promise<void> {
  if (values.keep === undefined) return
  await mkdir(values.keep, { recursive: true })
  const name = join(values.keep, `${debian}-${history.seed}${what}`)
  await writeFile(`${name}.json`, `${JSON.stringify(history, null, 2)}\n`)
  if (played) await writeFile(`${name}.log`, `${played.log.join('\n')}\n`)
}

async function work(cpu: number | undefined): Promise<void> {
  await using player = new Player(debian, cpu, plant)
  while (left > 0 && (values.continue || total.violations === 0)) {
    const length = Math.min(left, Number(values.length))
    left -= length
    const history = { seed: seed++, operations: length }
    const played = await player.play(history, values.verbose ? say : undefined).catch((error: unknown) => {
      if (!values.continue) throw error
      total.broken++
      say(`seed ${history.seed} ${debian}: the harness broke: ${String((error as Error).cause ?? error)}`)
    })
    if (!played) continue
    count(history, played)
    await found(player, history, played)
  }
}

if (values.replay === undefined) {
  const machines = Number(values.machines)
  await Promise.all(Array.from({ length: machines }, (_, index) => work(machines === 1 ? undefined : index)))
} else {
  const history = JSON.parse(await readFile(values.replay, 'utf8')) as History
  await using player = new Player(debian, undefined, plant)
  const played = await player.play(history, values.verbose ? say : undefined)
  count(history, played)
  await found(player, history, played)
}
total.ms = performance.now() - started
say(
  `${debian}: ${total.histories} histories, ${total.operations} operations, ${total.writes} writes, ${(total.ms / 1000).toFixed(0)} s, ${total.violations} violations${total.broken > 0 ? `, ${total.broken} not played to their end: the harness broke` : ''}`,
)
process.exitCode = total.violations > 0 ? 1 : 0

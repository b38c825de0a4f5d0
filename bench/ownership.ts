// node bench/ownership.ts [--debian trixie] [--rounds 31] [--volumes 100] [--repeats 3]: what persistent reservations cost an
// attach and a detach, beside the same without them in one boot; and what it costs to take many volumes over from another node,
// beside attaching them where no node has them.
import { parseArgs } from 'node:util'

import type { LabNode } from '../lab/index.ts'
import { Lab } from '../lab/index.ts'
import { median, spread } from './table.ts'

const { values } = parseArgs({
  options: {
    debian: { type: 'string', default: 'bookworm' },
    rounds: { type: 'string', default: '31' },
    volumes: { type: 'string', default: '100' },
    repeats: { type: 'string', default: '3' },
  },
})
const debian = values.debian as 'bookworm'
const SCRIPT = '/lab/project/bench/guest/ownership.mjs'
const ADDRESS = '10.9.0.1'

async function measure<T>(node: LabNode, ...args: readonly string[]): Promise<T[]> {
  const ran = await node.run(['node', SCRIPT, ...args], { deadline: 1_800_000 })
  if (ran.code !== 0) throw new Error(`the benchmark broke: ${ran.stderr}\n${ran.stdout}`)
  return ran.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as T]))
}

const lunsOf = (count: number) =>
  Array.from({ length: count }, (_, lun) => ({ lun, serial: `0a5e${lun.toString(16)}`, bytes: 16 << 20 }))

async function cost(): Promise<void> {
  await using lab = await Lab.open()
  const node = await lab.boot({ debian, memory: 700 })
  process.stderr.write(`· Linux ${node.kernel}, ${values.rounds} rounds …\n`)
  // As targetcli makes it: without the directory LIO reports an error for each registration, and has made it.
  await node.sh('mkdir -p /etc/target/pr')
  const target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
  await target.mapMany(lunsOf(3).map((lun) => ({ ...lun, name: `lun${lun.lun}` })))
  await target.disableReservations(2)
  const all = await measure<{ hasReservations: boolean; attached: number; detached: number }>(
    node,
    'cost',
    target.iqn,
    '127.0.0.1',
    values.rounds,
  )
  process.stdout.write(
    '| second attach and detach | without reservations, ms | with, ms | difference of the medians |\n|---|---|---|---|\n',
  )
  for (const what of ['attached', 'detached'] as const) {
    const [without, withThem] = [false, true].map((has) =>
      all.filter(({ hasReservations }) => hasReservations === has).map((one) => one[what]),
    )
    const difference = median(withThem!) - median(without!)
    process.stdout.write(
      `| ${what === 'attached' ? 'attach' : 'detach'} | ${spread(without!)} | ${spread(withThem!)} | ${difference.toFixed(1)} |\n`,
    )
  }
}

async function many(): Promise<void> {
  await using lab = await Lab.open()
  const array = await lab.boot({ name: 'array', address: ADDRESS, debian, iscsid: false, memory: 512 })
  const a = await lab.boot({ name: 'a', address: '10.9.0.2', debian, memory: 900 })
  const b = await lab.boot({ name: 'b', address: '10.9.0.3', debian, memory: 900 })
  process.stderr.write(`· ${values.volumes} volumes …\n`)
  const target = await array.lio.target({ portals: [`${ADDRESS}:3260`] })
  await target.mapMany(lunsOf(Number(values.volumes)))
  const onNode = async (node: LabNode, what: string) =>
    (await measure<{ ms: number }>(node, what, target.iqn, ADDRESS, values.volumes))[0]!.ms
  const free: number[] = []
  const taken: number[] = []
  for (let round = 0; round < Number(values.repeats); round++) {
    free.push(await onNode(b, 'attach'))
    await onNode(b, 'detach')
    await onNode(a, 'attach')
    taken.push(await onNode(b, 'take-over'))
    await onNode(b, 'detach')
    await onNode(a, 'give-up')
  }
  process.stdout.write(
    `\n| ${values.volumes} volumes at once | attach, no node has them, ms | take-over from another node, ms | difference of the medians |\n|---|---|---|---|\n| | ${spread(free)} | ${spread(taken)} | ${(median(taken) - median(free)).toFixed(0)} |\n`,
  )
}

await cost()
await many()

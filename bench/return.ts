// node bench/return.ts [--debian trixie] [--rounds 11] [--without-reservations]: how soon I/O resumes once a target that was away accepts logins again,
// beside what the floor takes from that moment for a bare login, scan of one LUN and INQUIRY, in one boot.
import { parseArgs } from 'node:util'

import { Lab } from '../lab/index.ts'
import { median, spread } from './table.ts'

const { values } = parseArgs({
  options: {
    debian: { type: 'string', default: 'bookworm' },
    rounds: { type: 'string', default: '11' },
    'without-reservations': { type: 'boolean', default: false },
  },
})

interface Measured {
  readonly peer: 'lunkeeper' | 'floor'
  readonly ms: number
  /** When sysfs had a session of the target, and a disk of it; null where the watcher came too late. */
  readonly loggedIn: number | null
  readonly disk: number | null
}

await using lab = await Lab.open()
const node = await lab.boot({ debian: values.debian as 'bookworm', memory: 700 })
process.stderr.write(`· Linux ${node.kernel}, ${values.rounds} rounds …\n`)
const ours = await node.lio.target({ portals: ['127.0.0.1:3260'] })
await ours.map(0, { serial: '5e41a0', bytes: 16 << 20 })
if (values['without-reservations']) await ours.disableReservations(0)
const floor = await node.lio.target({ portals: ['127.0.0.2:3260'] })
await floor.map(0, { serial: '5e41b0', bytes: 16 << 20 })
const agent = await node.start(['lunkeeper', 'agent'])
await agent.errors(/ready/, 120_000)
const where = ['--portal', '127.0.0.1', '--iqn', ours.iqn, '--lun', '0', '--name', 'v']
const attached = await node.ok(['lunkeeper', 'attach', ...where, '--hold', '10m', '--json'])
const { device } = JSON.parse(attached.stdout) as { device: string }
const ran = await node.run(
  ['node', '/lab/project/bench/guest/return.mjs', ours.iqn, floor.iqn, device, values.rounds],
  { deadline: 1_800_000 },
)
if (ran.code !== 0) throw new Error(`the benchmark broke: ${ran.stderr}\n${ran.stdout}\n${agent.stderr}`)
const all = ran.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Measured]))
const base = median(all.filter(({ peer }) => peer === 'floor').map(({ ms }) => ms))
process.stdout.write(
  '| who | ms, median (min–max) | ratio to the floor: median | worst | of the median: until it is logged in | until its disk is there | after that |\n|---|---|---|---|---|---|---|\n',
)
for (const peer of ['floor', 'lunkeeper'] as const) {
  const mine = all.filter((one) => one.peer === peer)
  const times = mine.map(({ ms }) => ms)
  const part = (of: (one: Measured) => number | null) => median(mine.flatMap((one) => of(one) ?? []))
  const cells = [
    peer,
    spread(times),
    (median(times) / base).toFixed(2),
    (Math.max(...times) / base).toFixed(2),
    part(({ loggedIn }) => loggedIn).toFixed(0),
    part(({ loggedIn, disk }) => disk && disk - loggedIn!).toFixed(0),
    part(({ ms, disk }) => disk && ms - disk).toFixed(0),
  ]
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}
process.stderr.write(agent.stderr)

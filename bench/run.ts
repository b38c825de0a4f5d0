// npm run bench: attach and detach against the floor and against os-brick, in one boot each, as ratios.
//   npm run bench [-- --debian trixie] [--repeats 7] [--luns 1,16,256] [--batches 8,16,64] [--no-os-brick]
import { parseArgs } from 'node:util'

import { Lab } from '../lab/index.ts'
import type { Sample } from './table.ts'
import { HEAD, markdown, summarise } from './table.ts'

const { values } = parseArgs({
  options: {
    debian: { type: 'string', default: 'bookworm' },
    repeats: { type: 'string', default: '7' },
    luns: { type: 'string', default: '1,16,256' },
    batches: { type: 'string', default: '8,16,64' },
    'os-brick': { type: 'boolean', default: true },
  },
  allowNegative: true,
})

/** One boot: a target with this many LUNs, on which each tool is measured in turn. */
async function measure(luns: number): Promise<Sample[]> {
  await using lab = await Lab.open()
  const node = await lab.boot({
    debian: values.debian as 'bookworm',
    memory: 1024,
    packages: values['os-brick'] ? ['python3-os-brick'] : [],
  })
  process.stderr.write(`· ${luns} LUNs on Linux ${node.kernel} …\n`)
  const target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
  await target.mapMany(
    Array.from({ length: luns }, (_, lun) => ({
      lun,
      serial: `5e41a${lun.toString(16).padStart(4, '0')}`,
      bytes: 16 << 20,
    })),
  )
  const batches = luns >= 64 ? values.batches.split(',') : []
  const python = values['os-brick'] ? '/usr/bin/python3' : '-'
  const args = [target.iqn, '127.0.0.1:3260', String(luns), values.repeats, python, ...batches]
  const ran = await node.run(['node', '/lab/project/bench/guest/main.mjs', ...args], { deadline: 1_800_000 })
  if (ran.code !== 0) throw new Error(`the benchmark broke: ${ran.stderr}\n${ran.stdout}`)
  const lines = ran.stdout.split('\n').filter(Boolean)
  const { left } = JSON.parse(lines.pop()!) as { left: string[] }
  if (left.length > 0) throw new Error(`left behind: ${left.join(' ')}`)
  return lines.map((line) => JSON.parse(line) as Sample)
}

process.stdout.write(HEAD)
for (const luns of values.luns.split(',').map(Number))
  process.stdout.write(markdown(summarise(await measure(luns))))

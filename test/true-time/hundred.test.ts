import { describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { patient } from '../../lab/machine/pace.ts'
import { openLab } from '../kernel/fixtures.ts'
import { agentOn } from '../kernel/node.ts'

const VOLUMES = 100
const MIB = 1 << 20

/** What a program that uses the library attaches. */
const ATTACH_ALL = (iqn: string) => `
  import { attach, openHost } from '/lab/project/dist/index.js'
  const host = openHost()
  const one = (lun) => attach(host, {
    name: 'v' + lun, iqn: '${iqn}', portal: '127.0.0.1:3260', lun, hold: '10m', holdMode: 'auto',
  })
  await Promise.all(Array.from({ length: ${VOLUMES} }, (_, lun) => one(lun)))
  await host[Symbol.asyncDispose]()
`

/** On a kernel with one processor, on which starting a program that does nothing takes 12 ms. */
describe.each(['bookworm', 'trixie'] as const)('a hundred volumes of one target (%s)', (debian) => {
  let node: LabNode
  let target: Target
  let agent: LabProcess

  openLab(async (lab) => {
    node = await lab.boot({ debian, memory: 1400 })
    target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
    const luns = Array.from({ length: VOLUMES }, (_, lun) => ({
      lun,
      serial: `5e41a${lun.toString(16).padStart(4, '0')}`,
      bytes: 16 * MIB,
    }))
    await target.mapMany(luns)
    agent = await agentOn(node)
    await node.write('/tmp/all.mjs', ATTACH_ALL(target.iqn))
    await node.ok(['node', '/tmp/all.mjs'], { deadline: 300_000 })
  })

  const pids = async () =>
    (await node.sh(`p=$(pgrep -f 'agent$' | head -1); echo $p; pgrep -P $p || :`)).trim().split('\n')

  /** Milliseconds of processor time used by the agent and everything that it has started. */
  async function used(): Promise<number> {
    const [pid] = await pids()
    const text = await node.sh(`cat /proc/${pid}/task/*/schedstat; cut -d' ' -f16,17 /proc/${pid}/stat`)
    const lines = text.trim().split('\n')
    const [user, system] = lines.pop()!.split(' ').map(Number)
    const own = lines.reduce((sum, line) => sum + Number(line.split(' ')[0]), 0)
    return own / 1e6 + (user! + system!) * 10
  }

  async function untilAll(what: RegExp): Promise<number> {
    const start = performance.now()
    await node.until(async () => (agent.stderr.match(what) ?? []).length >= VOLUMES, {
      every: 20,
      deadline: 60_000,
      what: `${VOLUMES} times ${what}`,
    })
    return performance.now() - start
  }

  it('idle, the agent asks each of them every 5 s, and takes under 4 % of a processor and 200 MB', async () => {
    // The agent stops an idle worker after a minute.
    await new Promise((resolve) => setTimeout(resolve, 70_000))
    const before = await used()
    await new Promise((resolve) => setTimeout(resolve, 60_000))
    const share = (await used()) - before
    const memory = await node.sh(
      (await pids()).map((pid) => `grep VmRSS /proc/${pid}/status || :`).join('\n'),
    )
    const resident = [...memory.matchAll(/(\d+) kB/g)].reduce((sum, [, kib]) => sum + Number(kib), 0)
    console.log(JSON.stringify({ debian, percent: share / 600, resident: resident / 1024 }))
    expect(share).toBeLessThan(patient(2_400))
    expect(resident).toBeLessThan(200 * 1024)
  }, 300_000)

  it('lost, all are held within a second; back, all have a path within four, and resume within six', async () => {
    await target.disable()
    const lost = await untilAll(/all paths lost/g)
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    await target.enable()
    const since = performance.now()
    const back = await untilAll(/127\.0\.0\.1:3260 is back/g)
    await untilAll(/I\/O resumed after/g)
    const on = performance.now() - since
    console.log(JSON.stringify({ debian, lost, back, on }))
    expect(lost).toBeLessThan(patient(1_000))
    expect(back).toBeLessThan(patient(4_000))
    expect(on).toBeLessThan(patient(6_000))
  })
})

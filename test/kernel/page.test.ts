import { afterAll, beforeAll, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { VolumeStatus } from '../../src/model/attachment.ts'
import type { VolumeOutage } from '../../src/model/outage.ts'
import { agentOn, lunkeeper } from './node.ts'
import { Writer } from './writer.ts'

const ADDRESS = '127.0.0.1:9600'
const TOKEN = 'kernel-test-token-of-32-characters-or-more'

/** Prints a line for each event of the page: its name and the part for which this test waits. */
const FOLLOWER = `
const response = await fetch('http://${ADDRESS}/api/v1/events')
let rest = ''
for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
  const blocks = (rest + piece).split('\\n\\n')
  rest = blocks.pop()
  for (const block of blocks) {
    const [, name, data] = /^event: (\\w+)\\ndata: (.*)$/.exec(block)
    const parsed = JSON.parse(data)
    if (name === 'volumes')
      for (const { name, state, hold } of parsed) console.log('volume', name, state, hold.deadline)
    if (name === 'findings') console.log('findings', parsed.map(({ code }) => code).join(',') || 'none')
  }
}
`

let lab: Lab
let node: LabNode
let target: Target

beforeAll(async () => {
  lab = await Lab.open()
  node = await lab.boot({ debian: 'trixie', memory: 640 })
  target = await node.lio.target({ portals: ['127.0.0.1:3260'] })
  await target.map(5, { serial: 'page5', bytes: 64 << 20, name: 'page' })
})
afterAll(() => lab?.close())

async function ask<T>(path: string, ...more: string[]): Promise<T> {
  const program = `
    const [method = 'GET', body] = ${JSON.stringify(more)}
    const response = await fetch('http://${ADDRESS}${path}', {
      method, body, headers: { 'content-type': 'application/json', authorization: 'Bearer ${TOKEN}' } })
    console.log(JSON.stringify({ status: response.status, body: await response.text() }))`
  const { stdout } = await node.ok(['node', '--input-type=module', '-e', program])
  const { body } = JSON.parse(stdout) as { body: string }
  return JSON.parse(body) as T
}

it('the page follows an outage: held with its deadline, extended over HTTP, back, and remembered', async () => {
  await node.write('/etc/lunkeeper/http-token', `${TOKEN}\n`)
  await node.ok(['chmod', '600', '/etc/lunkeeper/http-token'])
  const agent = await agentOn(node, '--http', ADDRESS, '--http-token-file', '/etc/lunkeeper/http-token')
  const flags = ['--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5', '--name', 'db']
  await lunkeeper(node).attach([...flags, '--mount', '/mnt/v', '--fs', 'ext4', '--format', '--hold', '300s'])
  const writer = await Writer.start(node, '/mnt/v/file')

  await node.write('/tmp/follower.mjs', FOLLOWER)
  const follower = await node.start(['node', '/tmp/follower.mjs'])
  await follower.output(/volume db ready null/, 60_000)
  await follower.output(/findings none/, 60_000)

  await target.disable()
  await follower.output(/volume db holding \d{4}-/, 30_000)
  await follower.output(/findings .*HOLDING/, 60_000)
  const before = await ask<VolumeStatus>('/api/v1/volumes/db')
  expect(Date.parse(before.hold.deadline!) - Date.parse(before.hold.since!)).toBe(300_000)
  const changed = await ask<VolumeStatus>('/api/v1/volumes/db/hold', 'POST', '{"wanted":"20m"}')
  expect(changed.hold.wanted).toBe(1_200)
  expect(agent.stderr).toContain('http: hold "db" --set "20m", asked from this machine')
  expect(agent.stderr).not.toContain(TOKEN)

  await target.enable()
  await follower.output(/volume db holding[^]*volume db ready null/, 120_000)
  const outages = await ask<readonly VolumeOutage[]>('/api/v1/outages')
  expect(outages).toMatchObject([{ volume: 'db', failed: null, reason: null, until: expect.any(String) }])
  expect(outages[0]!.seconds).toBeGreaterThan(0)
  await writer.stop()

  // It leaves nothing behind: no process that reads the node continues without the agent.
  await agent.kill('SIGTERM')
  await agent.exited
  await node.until(async () => (await node.run(['pgrep', '-f', 'observer.js'])).code === 1, {
    deadline: 20_000,
    what: 'the observer has ended',
  })
})

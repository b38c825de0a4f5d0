import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'

describe('portals', () => {
  let lab: Lab
  let node: LabNode
  let target: Target

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot()
    // An address from which nothing ever comes back, not even a refusal.
    await node.sh(
      'modprobe dummy numdummies=1; ip link set dummy0 up; ip route add 10.7.0.0/24 dev dummy0; ip addr add 127.0.0.3/8 dev lo; ip addr add 127.0.0.4/8 dev lo; echo 127.0.0.1 san.example >> /etc/hosts',
    )
  })
  afterAll(() => lab?.close())
  afterEach(async () => {
    await node.sh('tc qdisc del dev lo root 2>/dev/null || true')
    await node.reset()
  })

  async function make(portals: readonly string[]): Promise<void> {
    target = await node.lio.target({ portals })
    await target.map(5, { serial: '90a7', bytes: 16 << 20 })
  }

  const flags = (...portals: string[]) => [
    ...portals.flatMap((portal) => ['--portal', portal]),
    '--iqn',
    target.iqn,
    '--lun',
    '5',
    '--name',
    'db',
  ]

  async function attached(...portals: string[]) {
    const ended = await lunkeeper(node).run(['attach', ...flags(...portals)])
    expect(ended.code, ended.stderr).toBe(0)
    return ended
  }

  async function detached(): Promise<void> {
    await lunkeeper(node).detach('db')
    await expectNothingLeft(node)
  }

  it.each([
    ['[::1]:3260', '[::1]:3260', '[::1]:3260'],
    ['[::1]:3260', '::1', '[::1]:3260'],
    ['[::1]:3260', '[0:0:0::0:1]', '[::1]:3260'],
    ['127.0.0.1:3265', '127.0.0.1:3265', '127.0.0.1:3265'],
    ['127.0.0.1:3260', 'san.example', '127.0.0.1:3260'],
  ])('a target at %s is attached as %s', async (listens, asked, shown) => {
    await make([listens])
    const volume = await lunkeeper(node).attach(flags(asked))
    expect(volume.paths).toMatchObject([{ portal: shown, sessionState: 'LOGGED_IN' }])
    expect(await lunkeeper(node).attach(flags(shown))).toEqual(volume)
    await detached()
  })

  it('one portal in three spellings is one session', async () => {
    await make(['[::1]:3260'])
    const volume = await lunkeeper(node).attach(flags('::1', '[::1]:3260', '[0::1]'))
    expect(volume.paths).toHaveLength(1)
    expect((await node.storage()).sessions).toHaveLength(1)
    await detached()
  })

  it('several portals are one session each, logged in side by side', async () => {
    const all = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']
    await make(all.map((address) => `${address}:3260`))
    await attached('127.0.0.1')
    await detached()
    // Every answer takes its time: one after the other would take four times as long as one.
    await node.sh('modprobe sch_netem; tc qdisc add dev lo root netem delay 80ms')
    const one = await attached('127.0.0.1')
    await detached()
    const four = await attached(...all)
    expect(JSON.parse(four.stdout).paths.map((path: { sessionState: string }) => path.sessionState)).toEqual(
      all.map(() => 'LOGGED_IN'),
    )
    expect((await node.storage()).sessions).toHaveLength(4)
    // Without multipathd, that is said.
    expect(four.stderr).toContain('does not fail over')
    expect(four.ms).toBeLessThan(2.5 * one.ms)
    await detached()
  })

  it('one portal is dead: the others are neither blocked nor slow, and it is named', async () => {
    await make(['127.0.0.1:3260', '127.0.0.2:3260'])
    const dumb = await listenAndSayNothing(3270)
    await attached('127.0.0.1', '127.0.0.2')
    await detached()
    const both = await attached('127.0.0.1', '127.0.0.2')
    await detached()
    for (const [dead, words] of [
      ['127.0.0.1:3299', /127\.0\.0\.1:3299 is not used: .*refuses/],
      ['10.7.0.9', /10\.7\.0\.9:3260 did not answer (in time|within)/],
      ['127.0.0.1:3270', /127\.0\.0\.1:3270 did not answer in time/],
    ] as const) {
      // Also where it is the first that is named.
      const ended = await attached(dead, '127.0.0.1', '127.0.0.2')
      expect(ended.stderr).toMatch(words)
      expect(ended.ms, dead).toBeLessThan(1.5 * both.ms + 500 + 1500)
      await detached()
    }
    await dumb.kill('SIGKILL')
    // What iscsid still tries in the background comes to nothing, too.
    await node.sh('sleep 5')
    await expectNothingLeft(node)
  })

  it('a portal that accepts and says nothing: an error in bounded time, and no session comes later', async () => {
    await make(['127.0.0.1:3260'])
    const dumb = await listenAndSayNothing(3270)
    const ended = await lunkeeper(node).fails(['attach', ...flags('127.0.0.1:3270')], 'PORTAL_SILENT')
    expect(ended.ms).toBeLessThan(60_000)
    await expectNothingLeft(node)
    await dumb.kill('SIGKILL')
    await dumb.exited
    // The target comes up where nobody answered: nobody logs in any more.
    await target.addPortal('127.0.0.1:3270')
    await node.sh('sleep 8')
    await expectNothingLeft(node)
  })

  it('a name that does not resolve, and a network that does not exist, say so', async () => {
    await make(['127.0.0.1:3260'])
    await lunkeeper(node).fails(['attach', ...flags('no-such-host.invalid')], 'PORTAL_UNREACHABLE')
    await lunkeeper(node).fails(['attach', ...flags('192.0.2.1')], 'PORTAL_UNREACHABLE')
    await lunkeeper(node).fails(['attach', ...flags('10.7.0.9')], 'PORTAL_SILENT')
    await expectNothingLeft(node)
  })

  async function listenAndSayNothing(port: number): Promise<LabProcess> {
    const code = `require('node:net').createServer((socket) => socket.on('error', () => {})).listen(${port}, '127.0.0.1', () => console.log('listening'))`
    const process = await node.start(['node', '-e', code])
    await process.output(/listening/)
    return process
  }
})

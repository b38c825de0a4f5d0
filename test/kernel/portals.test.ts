import { afterEach, describe, expect } from 'vitest'

import type { LabNode, LabProcess } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, killAndWait, lunkeeper } from './node.ts'
import { expectCleanDetach, Volume } from './volume.ts'

const LUN = { lun: 5, serial: '90a7', bytes: 16 << 20 }

describe('attach copes with portals of all kinds', () => {
  const it = onNode({
    // An address from which nothing ever comes back, not even a refusal.
    prepare: (node) =>
      node.sh(
        'modprobe dummy numdummies=1; ip link set dummy0 up; ip route add 10.7.0.0/24 dev dummy0; ip addr add 127.0.0.3/8 dev lo; ip addr add 127.0.0.4/8 dev lo; echo 127.0.0.1 san.example >> /etc/hosts',
      ),
    luns: [LUN],
  })
  afterEach<NodeFixtures>(({ node }) => node.sh('tc qdisc del dev lo root 2>/dev/null || true'))

  /** A target that listens there. @returns the request for its volume at these portals */
  async function served(
    node: LabNode,
    listens: readonly string[],
  ): Promise<(...portals: string[]) => Volume> {
    const made = await node.lio.target({ portals: listens })
    await made.mapMany([LUN])
    return (...portals) => new Volume(node, made, { portals })
  }

  async function attached({ node, flags }: Volume) {
    const ended = await lunkeeper(node).run(['attach', ...flags])
    expect(ended.code, ended.stderr).toBe(0)
    return ended
  }

  it.for([
    ['[::1]:3260', '[::1]:3260', '[::1]:3260'],
    ['[::1]:3260', '::1', '[::1]:3260'],
    ['[::1]:3260', '[0:0:0::0:1]', '[::1]:3260'],
    ['127.0.0.1:3265', '127.0.0.1:3265', '127.0.0.1:3265'],
    ['127.0.0.1:3260', 'san.example', '127.0.0.1:3260'],
  ] as const)('a target at %s is attached as %s', async ([listens, asked, shown], { node }) => {
    const at = await served(node, [listens])
    const volume = await at(asked).attach()
    expect(volume.paths).toMatchObject([{ portal: shown, sessionState: 'LOGGED_IN' }])
    expect(await at(shown).attach()).toEqual(volume)
    await expectCleanDetach(at(shown))
  })

  it('one portal in three spellings is one session', async ({ node }) => {
    const at = await served(node, ['[::1]:3260'])
    const volume = at('::1', '[::1]:3260', '[0::1]')
    expect((await volume.attach()).paths).toHaveLength(1)
    expect((await node.storage()).sessions).toHaveLength(1)
    await expectCleanDetach(volume)
  })

  it('several portals are one session each, logged in side by side', async ({ node }) => {
    const all = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']
    const at = await served(
      node,
      all.map((address) => `${address}:3260`),
    )
    await attached(at('127.0.0.1'))
    await expectCleanDetach(at())
    // Every answer takes some time: one after the other, they would take four times as long as one.
    await node.sh('modprobe sch_netem; tc qdisc add dev lo root netem delay 80ms')
    const one = await attached(at('127.0.0.1'))
    await expectCleanDetach(at())
    const four = await attached(at(...all))
    expect(JSON.parse(four.stdout).paths.map((path: { sessionState: string }) => path.sessionState)).toEqual(
      all.map(() => 'LOGGED_IN'),
    )
    expect((await node.storage()).sessions).toHaveLength(4)
    // Without multipathd, this is reported.
    expect(four.stderr).toContain('does not fail over')
    expect(four.ms).toBeLessThan(2.5 * one.ms)
    await expectCleanDetach(at())
  })

  it('a dead portal neither blocks nor slows the others, and is named', async ({ node }) => {
    const at = await served(node, ['127.0.0.1:3260', '127.0.0.2:3260'])
    const dumb = await listenAndSayNothing(node, 3270)
    await attached(at('127.0.0.1', '127.0.0.2'))
    await expectCleanDetach(at())
    const both = await attached(at('127.0.0.1', '127.0.0.2'))
    await expectCleanDetach(at())
    for (const [dead, words] of [
      ['127.0.0.1:3299', /127\.0\.0\.1:3299 is not used: .*refuses/],
      ['10.7.0.9', /10\.7\.0\.9:3260 did not answer (in time|within)/],
      ['127.0.0.1:3270', /127\.0\.0\.1:3270 did not answer in time/],
    ] as const) {
      // Also if it is the first one in the list.
      const ended = await attached(at(dead, '127.0.0.1', '127.0.0.2'))
      expect(ended.stderr).toMatch(words)
      expect(ended.ms, dead).toBeLessThan(1.5 * both.ms + 500 + 1500)
      await expectCleanDetach(at())
    }
    await dumb.kill('SIGKILL')
    // What iscsid still attempts in the background also fails.
    await node.sh('sleep 5')
    await expectNothingLeft(node)
  })

  it('a portal that accepts and stays silent is an error in bounded time, and no session follows later', async ({
    node,
    target,
    volume,
  }) => {
    const dumb = await listenAndSayNothing(node, 3270)
    const ended = await volume.with({ portals: ['127.0.0.1:3270'] }).refused('PORTAL_SILENT')
    expect(ended.ms).toBeLessThan(patient(60_000))
    await expectNothingLeft(node)
    await killAndWait(dumb)
    // The target comes up where no answer came: iscsid no longer tries to log in.
    await target.addPortal('127.0.0.1:3270')
    await node.sh('sleep 8')
    await expectNothingLeft(node)
  })

  it('a name that does not resolve and a network that does not exist are reported as such', async ({
    node,
    volume,
  }) => {
    const refused = (portal: string, code: string) => volume.with({ portals: [portal] }).refused(code)
    await refused('no-such-host.invalid', 'PORTAL_UNREACHABLE')
    await refused('192.0.2.1', 'PORTAL_UNREACHABLE')
    await refused('10.7.0.9', 'PORTAL_SILENT')
    await expectNothingLeft(node)
  })

  async function listenAndSayNothing(node: LabNode, port: number): Promise<LabProcess> {
    const code = `require('node:net').createServer((socket) => socket.on('error', () => {})).listen(${port}, '127.0.0.1', () => console.log('listening'))`
    const process = await node.start(['node', '-e', code])
    await process.output(/listening/)
    return process
  }
})

import { describe, expect } from 'vitest'

import type { LabNode, TargetOptions } from '../../lab/index.ts'
import { patient } from '../../lab/index.ts'
import { Agent } from './agent.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'
import { SEEN_MS, Volume } from './volume.ts'
import { expectNoError, Writer } from './writer.ts'

const own = { user: 'node-a', password: 'TopSecret-0123456789' }
const theirs = { user: 'storage', password: 'Other-9876543210-xyz' }

const file = (chap: { user: string; password: string }, mutual?: { user: string; password: string }) =>
  `username = ${chap.user}\npassword = ${chap.password}\n` +
  (mutual ? `username_in = ${mutual.user}\npassword_in = ${mutual.password}\n` : '')

describe.each(kernels('trixie'))('CHAP protects a volume (%s)', (debian) => {
  const it = onNode({ debian })

  /** A volume of a target with these requirements. */
  async function make(node: LabNode, options: Pick<TargetOptions, 'chap' | 'mutual'>): Promise<Volume> {
    const made = await node.lio.target(options)
    await made.map(5, { serial: 'c4a9', bytes: 16 << 20 })
    return new Volume(node, made)
  }

  const withFile = async (node: LabNode, { flags }: Volume, text: string) => {
    await node.write('/root/chap', text, { mode: 0o600 })
    return ['attach', ...flags, '--chap-file', '/root/chap']
  }

  /** How many logins the target has refused since the last call. */
  async function refusals(node: LabNode): Promise<number> {
    const log = await node.sh('dmesg -c')
    return log.split('\n').filter((line) => /CHAP.*fail|do not match|initiator.*fail|Login.*fail/i.test(line))
      .length
  }

  it.for([
    ['one way', { chap: own }, file(own)],
    ['mutual', { chap: own, mutual: theirs }, file(own, theirs)],
    [
      'in the words of open-iscsi',
      { chap: own },
      file(own)
        .replace(/^/gm, 'node.session.auth.')
        .replace(/node.session.auth.$/, ''),
    ],
  ] as const)(
    'a right secret, %s, attaches the volume, and nothing is left of it',
    async ([, options, text], { node }) => {
      const volume = await make(node, options)
      const ended = await lunkeeper(node).run(await withFile(node, volume, text))
      expect(ended.code, ended.stderr).toBe(0)
      await volume.detach()
      await expectNothingLeft(node)
    },
  )

  it.for([
    ['a wrong secret', { chap: own }, file({ ...own, password: 'Wrong-Secret-000000' })],
    ['a wrong user name', { chap: own }, file({ ...own, user: 'wrong-user' })],
    [
      'a target that proves another secret than ours',
      { chap: own, mutual: theirs },
      file(own, { ...theirs, password: 'Not-The-Targets-1111' }),
    ],
    [
      'a target that proves another name than ours',
      { chap: own, mutual: theirs },
      file(own, { ...theirs, user: 'another-target' }),
    ],
    ['a target that does not prove itself though it must', { chap: own }, file(own, theirs)],
    ['no secret where one is wanted', { chap: own }, null],
    ['a target that wants no CHAP though it must', {}, file(own)],
  ] as const)('%s is refused once and at once, and nothing is left', async ([, options, text], { node }) => {
    const volume = await make(node, options)
    await refusals(node)
    const asked = text === null ? ['attach', ...volume.flags] : await withFile(node, volume, text)
    const ended = await lunkeeper(node).fails(asked, 'CHAP_FAILED')
    // A login that is retried waits for its 15 s, or for seconds between two attempts.
    expect(ended.ms).toBeLessThan(patient(10_000))
    await expectNothingLeft(node)
    const atOnce = await refusals(node)
    await node.sh('sleep 4')
    expect(await refusals(node)).toBe(0)
    expect(atOnce).toBeLessThan(8)
    for (const secret of [own.password, theirs.password])
      expect(ended.stderr + ended.stdout).not.toContain(secret)
  })

  it('a volume that was refused with a wrong secret is attached with the right one', async ({ node }) => {
    const volume = await make(node, { chap: own })
    await lunkeeper(node).fails(
      await withFile(node, volume, file({ ...own, password: 'Wrong-Secret-000000' })),
      'CHAP_FAILED',
    )
    const ended = await lunkeeper(node).run(await withFile(node, volume, file(own)))
    expect(ended.code, ended.stderr).toBe(0)
  })

  it('a secret that was changed at the target is taken over while the volume is in use, and is used after an outage', async ({
    node,
  }) => {
    const next = { user: 'node-a', password: 'Next-Secret-55555555' }
    const target = await node.lio.target({ chap: own })
    await target.map(5, { serial: 'c4a9', bytes: 64 << 20 })
    const volume = new Volume(node, target)
    const agent = await Agent.start(node)
    await lunkeeper(node).run([
      ...(await withFile(node, volume, file(own))),
      '--mount',
      volume.mount,
      '--format',
      '--hold',
      '10m',
    ])
    const writer = await Writer.start(node, `${volume.mount}/file`)
    const again = async (chap: typeof own) => {
      const ended = await lunkeeper(node).run([
        ...(await withFile(node, volume, file(chap))),
        '--mount',
        volume.mount,
        '--hold',
        '10m',
      ])
      expect(ended.code, ended.stderr).toBe(0)
      expect(ended.stderr).not.toContain(chap.password)
      return ended.stderr
    }
    // The target does not accept these: that is reported, and the volume stays in use as before.
    expect(await again(next)).toContain('were not changed')
    await target.credentials({ chap: next })
    expect(await again(next)).not.toContain('were not changed')

    await target.disable()
    await agent.errors(/all paths lost/, SEEN_MS)
    await target.enable()
    await agent.errors(/I\/O resumed/, SEEN_MS)
    await writer.resumes(SEEN_MS)
    await expectNoError(writer)
    await volume.detach()
    await agent.stop()
    await expectNothingLeft(node)
  })

  it.for(['SHA3-256', 'SHA256', 'SHA1', 'MD5'])(
    'iscsid and the agent hash with %s where the site allows no other algorithm',
    async (algorithm, { node }) => {
      const conf = await node.read('/etc/iscsi/iscsid.conf')
      const key = 'node.session.auth.chap_algs'
      const rest = conf.replaceAll(new RegExp(`^${key}.*$`, 'gm'), '')
      await node.write('/etc/iscsi/iscsid.conf', `${rest}\n${key} = ${algorithm}\n`)
      try {
        const volume = await make(node, { chap: own, mutual: theirs })
        const ended = await lunkeeper(node).run(await withFile(node, volume, file(own, theirs)))
        expect(ended.code, ended.stderr).toBe(0)
        const places = '/etc/iscsi/nodes /var/lib/iscsi/nodes'
        expect(await node.sh(`grep -rh ${key} ${places} 2>/dev/null || :`)).toContain(algorithm)
        expect(await shownByTarget(node, volume)).toContain('c4a9')
        await volume.detach()
      } finally {
        await node.write('/etc/iscsi/iscsid.conf', conf)
      }
    },
  )

  /** The agent's own way to ask a target for its LUNs. */
  const shownByTarget = (node: LabNode, { iqn }: Volume) =>
    node.sh(
      `node --input-type=module -e '
        const [{ openHost }, { knownChap }, { listLuns }, { readInitiatorName }] = await Promise.all(
          ["host/host", "host/iscsi/known-chap", "host/iscsi/client/luns", "host/read/node"].map(
            (name) => import("/lab/project/src/" + name + ".ts")))
        const host = openHost()
        const portal = { host: "127.0.0.1", port: 3260 }
        const known = knownChap(host, "${iqn}", [portal])
        const who = { ...known, portal, target: "${iqn}", initiator: readInitiatorName(host.paths) }
        console.log(JSON.stringify(await listLuns({ ...who, signal: AbortSignal.timeout(30000) })))'`,
    )
})

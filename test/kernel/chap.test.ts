import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, kernels, lunkeeper } from './node.ts'

const own = { user: 'node-a', password: 'TopSecret-0123456789' }
const theirs = { user: 'storage', password: 'Other-9876543210-xyz' }

const file = (chap: { user: string; password: string }, mutual?: { user: string; password: string }) =>
  `username = ${chap.user}\npassword = ${chap.password}\n` +
  (mutual ? `username_in = ${mutual.user}\npassword_in = ${mutual.password}\n` : '')

describe.each(kernels('trixie'))('CHAP (%s)', (debian) => {
  let lab: Lab
  let node: LabNode
  let target: Target

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  async function make(options: { chap?: typeof own; mutual?: typeof own }): Promise<string[]> {
    target = await node.lio.target(options)
    await target.map(5, { serial: 'c4a9', bytes: 16 << 20 })
    return ['attach', '--portal', '127.0.0.1', '--iqn', target.iqn, '--lun', '5', '--name', 'db']
  }

  const withFile = async (flags: readonly string[], text: string) => {
    await node.write('/root/chap', text, { mode: 0o600 })
    return [...flags, '--chap-file', '/root/chap']
  }

  /** How often the target has turned somebody down since it was last asked. */
  async function refusals(): Promise<number> {
    const log = await node.sh('dmesg -c')
    return log.split('\n').filter((line) => /CHAP.*fail|do not match|initiator.*fail|Login.*fail/i.test(line))
      .length
  }

  it.each([
    ['one way', { chap: own }, file(own)],
    ['mutual', { chap: own, mutual: theirs }, file(own, theirs)],
    [
      'in the words of open-iscsi',
      { chap: own },
      file(own)
        .replace(/^/gm, 'node.session.auth.')
        .replace(/node.session.auth.$/, ''),
    ],
  ])('right, %s: attached, and nothing of it is left', async (_, options, text) => {
    const flags = await make(options)
    const ended = await lunkeeper(node).run(await withFile(flags, text))
    expect(ended.code, ended.stderr).toBe(0)
    await lunkeeper(node).detach('db')
    await expectNothingLeft(node)
  })

  it.each([
    ['a wrong secret', { chap: own }, file({ ...own, password: 'Wrong-Secret-000000' })],
    ['a wrong user name', { chap: own }, file({ ...own, user: 'nobody' })],
    [
      'a target that proves another secret than ours',
      { chap: own, mutual: theirs },
      file(own, { ...theirs, password: 'Not-The-Targets-1111' }),
    ],
    [
      'a target that proves another name than ours',
      { chap: own, mutual: theirs },
      file(own, { ...theirs, user: 'somebody-else' }),
    ],
    ['a target that does not prove itself though it must', { chap: own }, file(own, theirs)],
    ['no secret where one is wanted', { chap: own }, null],
    ['a target that wants no CHAP though it must', {}, file(own)],
  ])('%s: refused once, in no time, and nothing is left', async (_, options, text) => {
    const flags = await make(options)
    await refusals()
    const asked = text === null ? flags : await withFile(flags, text)
    const ended = await lunkeeper(node).fails(asked, 'CHAP_FAILED')
    // A login that is tried again waits for its 15 s, or for seconds between two tries.
    expect(ended.ms).toBeLessThan(10_000)
    await expectNothingLeft(node)
    const atOnce = await refusals()
    await node.sh('sleep 4')
    expect(await refusals()).toBe(0)
    expect(atOnce).toBeLessThan(8)
    for (const secret of [own.password, theirs.password])
      expect(ended.stderr + ended.stdout).not.toContain(secret)
  })

  it('refused with a wrong secret, then attached with the right one', async () => {
    const flags = await make({ chap: own })
    await lunkeeper(node).fails(
      await withFile(flags, file({ ...own, password: 'Wrong-Secret-000000' })),
      'CHAP_FAILED',
    )
    const ended = await lunkeeper(node).run(await withFile(flags, file(own)))
    expect(ended.code, ended.stderr).toBe(0)
  })

  it.each(['SHA3-256', 'SHA256', 'SHA1', 'MD5'])(
    'hashed with %s where the site lets only that be used, by iscsid and by the agent',
    async (algorithm) => {
      const conf = await node.read('/etc/iscsi/iscsid.conf')
      const key = 'node.session.auth.chap_algs'
      const rest = conf.replaceAll(new RegExp(`^${key}.*$`, 'gm'), '')
      await node.write('/etc/iscsi/iscsid.conf', `${rest}\n${key} = ${algorithm}\n`)
      try {
        const flags = await make({ chap: own, mutual: theirs })
        const ended = await lunkeeper(node).run(await withFile(flags, file(own, theirs)))
        expect(ended.code, ended.stderr).toBe(0)
        const places = '/etc/iscsi/nodes /var/lib/iscsi/nodes'
        expect(await node.sh(`grep -rh ${key} ${places} 2>/dev/null || :`)).toContain(algorithm)
        expect(await shownByTarget()).toContain('c4a9')
        await lunkeeper(node).detach('db')
      } finally {
        await node.write('/etc/iscsi/iscsid.conf', conf)
      }
    },
  )

  /** The agent's own way to ask a target which LUNs it has. */
  const shownByTarget = () =>
    node.sh(
      `node --input-type=module -e '
        const [{ openHost }, { knownChap }, { listLuns }, { readInitiatorName }] = await Promise.all(
          ["host/host", "host/iscsi/known-chap", "host/iscsi/talk/luns", "host/read/node"].map(
            (name) => import("/lab/project/src/" + name + ".ts")))
        const host = openHost()
        const portal = { host: "127.0.0.1", port: 3260 }
        const known = knownChap(host, "${target.iqn}", [portal])
        const who = { ...known, portal, target: "${target.iqn}", initiator: readInitiatorName(host.paths) }
        console.log(JSON.stringify(await listLuns({ ...who, signal: AbortSignal.timeout(30000) })))'`,
    )
})

import { beforeEach, describe, expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import type { NodeFixtures } from './fixtures.ts'
import { onNode } from './fixtures.ts'
import { expectNothingLeft, isBrief, lunkeeper } from './node.ts'
import type { Volume } from './volume.ts'

const chap = { user: 'node-a', password: 'Kx7-Fjord/Quartz+Vexed=19' }
const mutual = { user: 'storage', password: 'Zephyr&Glyph%Jinx~Waltz42' }
const FILE = `username = ${chap.user}\npassword = ${chap.password}\nusername_in = ${mutual.user}\npassword_in = ${mutual.password}\n`

/** Forms in which a secret could leak unnoticed. */
const forms = [chap, mutual].flatMap(({ password }) => [
  password,
  password.slice(3, 17),
  Buffer.from(password).toString('base64').slice(0, 30),
  Buffer.from(password).toString('base64url').slice(0, 30),
  Buffer.from(password).toString('hex'),
  encodeURIComponent(password),
])
const found = (text: string) => forms.filter((form) => text.includes(form))

/** The ways to pass a secret, and what is then read from stdin. */
const WAYS: readonly (readonly [string, (args: string[]) => string[], string | undefined])[] = [
  ['a file', (args) => ['lunkeeper', ...args, '--chap-file', '/root/chap'], undefined],
  ['stdin', (args) => ['lunkeeper', ...args, '--chap-file', '-'], FILE],
  [
    'a descriptor',
    (args) => ['bash', '-c', 'exec lunkeeper "$@" 3< /root/chap', 'x', ...args, '--chap-file', '/dev/fd/3'],
    undefined,
  ],
]

describe.each(['bookworm', 'trixie'] as const)('secrets stay in files of mode 0600 (%s)', (debian) => {
  const it = onNode({
    debian,
    async prepare(node) {
      await node.write('/dev/shm/watch.mjs', WATCHER)
      await node.write('/dev/shm/forms', `${forms.join('\n')}\n`, { mode: 0o600 })
    },
    target: { chap, mutual },
    luns: [{ lun: 5, serial: '5ec2e7', bytes: 16 << 20 }],
  })
  beforeEach<NodeFixtures>(({ node }) => node.write('/root/chap', FILE, { mode: 0o600 }))

  const attach = ({ flags }: Volume) => ['attach', ...flags, '--verbose']

  /** Every file that contains a secret in any form, with mode and owner, except the test's own files and the target's. */
  async function holders(node: LabNode): Promise<string[]> {
    const list = await node.sh(
      `grep -rlF -f /dev/shm/forms /etc /run /tmp /var /root /dev/shm /mnt 2>/dev/null | grep -v -e ^/dev/shm/forms -e ^/root/chap | while read -r file; do stat -c '%a %u %n' "$file"; done; true`,
    )
    return list.split('\n').filter(Boolean)
  }

  /**
   * Runs a program while every command line and environment on the machine is watched, and the programs that it
   * starts are traced.
   */
  async function watched(node: LabNode, argv: readonly string[], input?: string) {
    const watcher = await node.start(['node', '/dev/shm/watch.mjs'])
    await watcher.output(/watching/, 30_000)
    const ended = await node.run(
      ['strace', '-f', '-v', '-s', '8192', '-e', 'trace=execve', '-o', '/tmp/trace', ...argv],
      { deadline: 120_000, ...(input === undefined ? {} : { input }) },
    )
    await watcher.write('stop\n')
    await watcher.exited
    const trace = await node.read('/tmp/trace')
    await node.remove('/tmp/trace')
    return { ...ended, trace, seen: watcher.stdout }
  }

  it.for(isBrief(debian) ? WAYS.slice(0, 1) : WAYS)(
    'a secret from %s is in no command line, environment, output, log or record, and goes with the volume',
    async ([, command, input], { node, volume }) => {
      await node.sh('dmesg -c > /dev/null')
      const { code, stdout, stderr, trace, seen } = await watched(node, command(attach(volume)), input)
      expect(code, stderr).toBe(0)
      // Watching has worked: both methods have seen that iscsiadm was started.
      expect(trace).toMatch(/execve\("[^"]*iscsiadm"/)
      expect(seen).toContain('iscsiadm')
      expect(found(trace)).toEqual([])
      expect(found(seen)).toEqual([])
      expect(found(stdout + stderr)).toEqual([])
      expect(found(await node.sh('dmesg'))).toEqual([])
      // The kernel keeps it with the session, readable by root only.
      const session = 'cat /sys/class/iscsi_session/*/password*'
      expect(found((await node.run(['sh', '-c', session])).stdout)).not.toEqual([])
      const unprivileged = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
      expect(found((await node.run([...unprivileged, 'sh', '-c', session])).stdout)).toEqual([])
      const kept = await holders(node)
      expect(kept).toHaveLength(1)
      expect(kept[0]).toMatch(/^600 0 \S+\/iscsi\/nodes\//)
      for (const args of [
        ['volumes', '--json'],
        ['sessions', '--json'],
        ['volumes', 'db'],
      ])
        expect(found((await node.ok(['lunkeeper', ...args])).stdout)).toEqual([])
      await volume.detach()
      expect(await holders(node)).toEqual([])
      await expectNothingLeft(node)
    },
  )

  if (isBrief(debian)) return

  it('a secret that is refused is left nowhere', async ({ node, target, volume }) => {
    await target.credentials({ chap: { ...chap, password: 'Something-Else-11' }, mutual })
    const { code, stdout, stderr, trace, seen } = await watched(node, [
      'lunkeeper',
      ...attach(volume),
      '--json',
      '--chap-file',
      '/root/chap',
    ])
    expect(code).toBe(1)
    expect(stderr).toContain('CHAP_FAILED')
    for (const text of [stdout, stderr, trace, seen, await node.sh('dmesg')]) expect(found(text)).toEqual([])
    expect(await holders(node)).toEqual([])
  })

  it('a node record of another program is used for the login and never written to', async ({
    node,
    target,
    volume,
  }) => {
    await node.sh(`iscsiadm -m node -o new -T ${target.iqn} -p 127.0.0.1`)
    const records = () =>
      node.sh('find /etc/iscsi/nodes /var/lib/iscsi/nodes -type f -exec sha256sum {} + 2>/dev/null || true')
    const before = await records()
    const { code, stderr, trace, seen } = await watched(node, [
      'lunkeeper',
      ...attach(volume),
      '--chap-file',
      '/root/chap',
    ])
    expect(code, stderr).toBe(0)
    expect(found(trace + seen)).toEqual([])
    expect(await holders(node)).toEqual([])
    expect(await records()).toBe(before)
    await volume.detach()
    expect(await holders(node)).toEqual([])
  })

  it.for(['make-node-record:before', 'make-node-record:after', 'login:before', 'login:after'])(
    'files that attach leaves when it is killed at %s are for root only, and go with the volume',
    async (death, { node, volume }) => {
      const { signal } = await node.run(['lunkeeper', ...attach(volume), '--chap-file', '/root/chap'], {
        env: { LUNKEEPER_DIE_AT: death },
        deadline: 60_000,
      })
      expect(signal).toBe('SIGKILL')
      for (const holder of await holders(node)) expect(holder).toMatch(/^600 0 /)
      await volume.detach()
      expect(await holders(node)).toEqual([])
      await expectNothingLeft(node)
    },
  )

  it('files that a killed process left half-made go with a later detach', async ({ node, volume }) => {
    // A half-written record, one that is already linked, the copy for a login: no step is between these.
    const place = debian === 'bookworm' ? '/etc/iscsi' : '/var/lib/iscsi'
    const left = [`${place}/.127.0.0.1,3260.0123456789ab`, '/run/lunkeeper/overlays/4711.1700000000000']
    await node.mkdir('/run/lunkeeper/overlays')
    for (const path of left) await node.write(path, FILE, { mode: 0o600 })
    await node.sh(`touch -d '3 minutes ago' ${left.join(' ')}`)
    // A file that is being written now is not touched.
    const fresh = `${place}/.127.0.0.2,3260.ba9876543210`
    await node.write(fresh, FILE, { mode: 0o600 })
    // The machine may be so slow that the file would be old before the detach.
    await node.sh(`touch -d '10 minutes' ${fresh}`)
    expect(await holders(node)).toHaveLength(3)
    await node.ok(['lunkeeper', ...attach(volume), '--chap-file', '/root/chap'])
    await volume.detach()
    expect(await holders(node)).toEqual([`600 0 ${fresh}`])
    await node.remove(fresh)
  })

  it('a file that others can read is used, with a warning', async ({ node, volume }) => {
    await node.sh('chmod 644 /root/chap')
    const ended = await lunkeeper(node).run([...attach(volume), '--chap-file', '/root/chap'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toContain('chmod 600 /root/chap')
  })

  it('the watcher sees what it looks for', async ({ node }) => {
    const { trace, seen } = await watched(node, ['sh', '-c', `sleep 1; true`, chap.password])
    expect(found(trace)).not.toEqual([])
    expect(found(seen)).not.toEqual([])
  })
})

/** Prints every command line and environment of every process as soon as it is seen. */
const WATCHER = `
import { readdirSync, readFileSync } from 'node:fs'
const seen = new Set()
let stopped = false
process.stdin.on('data', () => { stopped = true })
const read = (path) => { try { return readFileSync(path, 'latin1') } catch { return '' } }
console.log('watching')
const look = () => {
  for (let round = 0; round < 5; round++)
    for (const pid of readdirSync('/proc')) {
      if (!/^\\d/.test(pid) || pid === String(process.pid)) continue
      const line = read('/proc/' + pid + '/cmdline')
      if (line === '' || seen.has(pid + line)) continue
      seen.add(pid + line)
      console.log(line.replaceAll('\\0', ' ') + ' | ' + read('/proc/' + pid + '/environ').replaceAll('\\0', ' '))
    }
  if (stopped) process.exit()
  setImmediate(look)
}
look()
`

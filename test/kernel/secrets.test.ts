import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import { expectNothingLeft, isBrief, lunkeeper } from './node.ts'

const chap = { user: 'node-a', password: 'Kx7-Fjord/Quartz+Vexed=19' }
const mutual = { user: 'storage', password: 'Zephyr&Glyph%Jinx~Waltz42' }
const FILE = `username = ${chap.user}\npassword = ${chap.password}\nusername_in = ${mutual.user}\npassword_in = ${mutual.password}\n`

/** Forms in which a secret may slip through unseen. */
const forms = [chap, mutual].flatMap(({ password }) => [
  password,
  password.slice(3, 17),
  Buffer.from(password).toString('base64').slice(0, 30),
  Buffer.from(password).toString('base64url').slice(0, 30),
  Buffer.from(password).toString('hex'),
  encodeURIComponent(password),
])
const found = (text: string) => forms.filter((form) => text.includes(form))

/** The ways in which a secret may be given, and what is then read from stdin. */
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
  let lab: Lab
  let node: LabNode
  let target: Target
  let flags: string[]

  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ debian })
    await node.write('/dev/shm/watch.mjs', WATCHER)
    await node.write('/dev/shm/forms', `${forms.join('\n')}\n`, { mode: 0o600 })
  })
  afterAll(() => lab?.close())
  afterEach(() => node.reset())

  async function make(): Promise<void> {
    target = await node.lio.target({ chap, mutual })
    await target.map(5, { serial: '5ec2e7', bytes: 16 << 20 })
    flags = [
      'attach',
      '--portal',
      '127.0.0.1',
      '--iqn',
      target.iqn,
      '--lun',
      '5',
      '--name',
      'db',
      '--verbose',
    ]
    await node.write('/root/chap', FILE, { mode: 0o600 })
  }

  /** Every file that holds a secret in any form, with mode and owner; the test's own and the target's are not counted. */
  async function holders(): Promise<string[]> {
    const list = await node.sh(
      `grep -rlF -f /dev/shm/forms /etc /run /tmp /var /root /dev/shm /mnt 2>/dev/null | grep -v -e ^/dev/shm/forms -e ^/root/chap | while read -r file; do stat -c '%a %u %n' "$file"; done; true`,
    )
    return list.split('\n').filter(Boolean)
  }

  /** Runs a program while every command line and environment on the machine is watched, and those it starts are traced. */
  async function watched(argv: readonly string[], input?: string) {
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

  it.each(isBrief(debian) ? WAYS.slice(0, 1) : WAYS)(
    'from %s: in no command line, environment, output, log or record, and gone with the volume',
    async (_, command, input) => {
      await make()
      await node.sh('dmesg -c > /dev/null')
      const { code, stdout, stderr, trace, seen } = await watched(command(flags), input)
      expect(code, stderr).toBe(0)
      // What was watched is what happened: iscsiadm was seen to be started, by both.
      expect(trace).toMatch(/execve\("[^"]*iscsiadm"/)
      expect(seen).toContain('iscsiadm')
      expect(found(trace)).toEqual([])
      expect(found(seen)).toEqual([])
      expect(found(stdout + stderr)).toEqual([])
      expect(found(await node.sh('dmesg'))).toEqual([])
      // The kernel keeps it with the session, for root alone.
      const session = 'cat /sys/class/iscsi_session/*/password*'
      expect(found((await node.run(['sh', '-c', session])).stdout)).not.toEqual([])
      const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
      expect(found((await node.run([...nobody, 'sh', '-c', session])).stdout)).toEqual([])
      const kept = await holders()
      expect(kept).toHaveLength(1)
      expect(kept[0]).toMatch(/^600 0 \S+\/iscsi\/nodes\//)
      for (const args of [
        ['volumes', '--json'],
        ['sessions', '--json'],
        ['volumes', 'db'],
      ])
        expect(found((await node.ok(['lunkeeper', ...args])).stdout)).toEqual([])
      await lunkeeper(node).detach('db')
      expect(await holders()).toEqual([])
      await expectNothingLeft(node)
    },
  )

  if (isBrief(debian)) return

  it('a secret that is refused is nowhere either', async () => {
    await make()
    await target.credentials({ chap: { ...chap, password: 'Something-Else-11' }, mutual })
    const { code, stdout, stderr, trace, seen } = await watched([
      'lunkeeper',
      ...flags,
      '--json',
      '--chap-file',
      '/root/chap',
    ])
    expect(code).toBe(1)
    expect(stderr).toContain('CHAP_FAILED')
    for (const text of [stdout, stderr, trace, seen, await node.sh('dmesg')]) expect(found(text)).toEqual([])
    expect(await holders()).toEqual([])
  })

  it("another's node record is logged in with and never written to", async () => {
    await make()
    await node.sh(`iscsiadm -m node -o new -T ${target.iqn} -p 127.0.0.1`)
    const records = () =>
      node.sh('find /etc/iscsi/nodes /var/lib/iscsi/nodes -type f -exec sha256sum {} + 2>/dev/null || true')
    const before = await records()
    const { code, stderr, trace, seen } = await watched(['lunkeeper', ...flags, '--chap-file', '/root/chap'])
    expect(code, stderr).toBe(0)
    expect(found(trace + seen)).toEqual([])
    expect(await holders()).toEqual([])
    expect(await records()).toBe(before)
    await lunkeeper(node).detach('db')
    expect(await holders()).toEqual([])
  })

  it.each(['make-node-record:before', 'make-node-record:after', 'login:before', 'login:after'])(
    'killed at %s: what is left is for root only, and goes with the volume',
    async (death) => {
      await make()
      const { signal } = await node.run(['lunkeeper', ...flags, '--chap-file', '/root/chap'], {
        env: { LUNKEEPER_DIE_AT: death },
        deadline: 60_000,
      })
      expect(signal).toBe('SIGKILL')
      for (const holder of await holders()) expect(holder).toMatch(/^600 0 /)
      await lunkeeper(node).detach('db')
      expect(await holders()).toEqual([])
      await expectNothingLeft(node)
    },
  )

  it('what a process that was killed in the middle left in files of its own goes with a later detach', async () => {
    await make()
    // A record half made, one that is linked already, the copy for a login: no step is between these.
    const place = debian === 'bookworm' ? '/etc/iscsi' : '/var/lib/iscsi'
    const left = [`${place}/.127.0.0.1,3260.0123456789ab`, '/run/lunkeeper/overlays/4711.1700000000000']
    await node.mkdir('/run/lunkeeper/overlays')
    for (const path of left) await node.write(path, FILE, { mode: 0o600 })
    await node.sh(`touch -d '3 minutes ago' ${left.join(' ')}`)
    // One that is being written now is not touched.
    const fresh = `${place}/.127.0.0.2,3260.ba9876543210`
    await node.write(fresh, FILE, { mode: 0o600 })
    expect(await holders()).toHaveLength(3)
    await node.ok(['lunkeeper', ...flags, '--chap-file', '/root/chap'])
    await lunkeeper(node).detach('db')
    expect(await holders()).toEqual([`600 0 ${fresh}`])
    await node.remove(fresh)
  })

  it('a file that others can read is used, with a warning', async () => {
    await make()
    await node.sh('chmod 644 /root/chap')
    const ended = await lunkeeper(node).run([...flags, '--chap-file', '/root/chap'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toContain('chmod 600 /root/chap')
  })

  it('the watcher sees what it looks for', async () => {
    await make()
    const { trace, seen } = await watched(['sh', '-c', `sleep 1; true`, chap.password])
    expect(found(trace)).not.toEqual([])
    expect(found(seen)).not.toEqual([])
  })
})

/** Prints every command line and environment of every process as soon as it sees one. */
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

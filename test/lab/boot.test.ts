import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { debians, Lab, type LabNode } from '../../lab/index.ts'

const kernels = { bookworm: /^6\.1\./, trixie: /^6\.12\./ }

describe.each(debians)('a machine of Debian %s', (debian) => {
  let lab: Lab
  let node: LabNode
  beforeAll(async () => {
    lab = await Lab.open()
    node = await lab.boot({ name: 'node', debian })
  }, 300_000)
  afterAll(() => lab.close())

  test('boots its own kernel', async () => {
    expect((await node.sh('uname -r')).trim()).toMatch(kernels[debian])
  })

  test('runs programs and tells how they ended', async () => {
    const result = await node.run(['sh', '-c', 'cat; echo "$WORD" >&2; exit 3'], {
      input: 'in',
      env: { WORD: 'env' },
    })
    expect(result).toMatchObject({
      code: 3,
      signal: null,
      stdout: 'in',
      stderr: 'env\n',
      timedOut: false,
      stuck: false,
    })
    await expect(node.ok(['false'])).rejects.toThrow('false ended with 1')
    await expect(node.run(['no-such-program'])).rejects.toThrow('ENOENT')
  })

  test('kills a program and all it started at its deadline', async () => {
    const result = await node.run(['sh', '-c', 'sleep 77 & sleep 77'], { deadline: 300 })
    expect(result).toMatchObject({ code: null, signal: 'SIGKILL', timedOut: true, stuck: false })
    expect((await node.run(['pgrep', '-f', 'sleep 77'])).code).toBe(1)
  })

  test('takes input that is longer than the buffer of a terminal, and bytes that are not text', async () => {
    const long = Buffer.alloc(100_000, 'lunkeeper\u0000\u00ff\n')
    await node.write('/tmp/long', long)
    expect((await node.readBytes('/tmp/long')).equals(long)).toBe(true)
    expect((await node.run(['sha256sum'], { input: long })).stdout).toBe(
      (await node.run(['sha256sum', '/tmp/long'])).stdout.replace('/tmp/long', '-'),
    )
  })

  test('follows a program that runs on, and signals it', async () => {
    const child = await node.start([
      'sh',
      '-c',
      'trap "echo caught" TERM; echo up; while :; do sleep 0.05; done',
    ])
    await child.output(/up/)
    await child.kill('SIGTERM', { alone: true })
    await child.output(/caught/)
    await child.kill('SIGKILL')
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('has the tools of a storage node, and Lunkeeper at hand', async () => {
    for (const tool of [
      'iscsiadm',
      'dmsetup',
      'multipath',
      'mkfs.ext4',
      'mkfs.xfs',
      'sg_inq',
      'lsblk',
      'strace',
      'flock',
      'findmnt',
      'node',
      'lunkeeper',
    ]) {
      expect(await node.run(['which', tool])).toMatchObject({ code: 0 })
    }
    expect(await node.sh('node --version')).toBe(process.version)
    expect(await node.read('/lab/project/package.json')).toContain('"lunkeeper"')
    expect((await node.run(['touch', '/lab/project/written-by-a-test'])).code).not.toBe(0)
  })

  test('answers while a program hangs in the kernel', async () => {
    // a map that queues without a path holds its reader in D state
    await node.sh(
      'echo "0 2048 multipath 1 queue_if_no_path 0 0 0" | dmsetup --noudevrules --noudevsync create held',
    )
    const result = await node.run(
      ['dd', 'if=/dev/dm-0', 'of=/dev/null', 'bs=4096', 'count=1', 'iflag=direct'],
      { deadline: 500 },
    )
    expect(result).toMatchObject({ timedOut: true, stuck: true })
    expect(await node.exists('/etc/passwd')).toBe(true)
    await expect(node.reset()).resolves.toBeUndefined()
    expect((await node.storage()).maps).toEqual([])
  }, 60_000)
})

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Hand } from '../../../../src/host/hand/hand.ts'
import { Hands } from '../../../../src/host/hand/hands.ts'

let dir: string
let hands: Hands
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lunkeeper-hands-'))
  hands = new Hands()
  onTestFinished(() => {
    hands.close()
    rmSync(dir, { recursive: true, force: true })
  })
})

const DEADLINE_MS = 20_000
const look = (hand: Hand) => hand.call('missingDirectories', { path: dir }, DEADLINE_MS)
const ended = (hand: Hand) => new Promise<void>((resolve) => hand.onExit(resolve))

/** A call that does not come back while nobody reads, in a lane; and its hand. */
async function stuck(lane: string | null, deadline = 50): Promise<Hand> {
  const path = join(dir, `fifo-${Math.random()}`)
  execFileSync('mkfifo', [path])
  const used = Promise.withResolvers<Hand>()
  const call = hands.use(lane, async (hand) => {
    await look(hand)
    used.resolve(hand)
    return hand.call('write', { path, text: '1' }, deadline)
  })
  await expect(call).rejects.toMatchObject({ code: 'STUCK' })
  return used.promise
}

test('successive calls use one worker', async () => {
  const pids = new Set<number>()
  for (let call = 0; call < 5; call++)
    await hands.use('host3', async (hand) => {
      await look(hand)
      pids.add(hand.pid)
    })
  expect(pids.size).toBe(1)
})

test('a hundred calls at once do not start a hundred processes', async () => {
  await hands.use(null, look)
  const pids = new Set<number>()
  const call = () =>
    hands.use(null, async (hand) => {
      await look(hand)
      pids.add(hand.pid)
    })
  await Promise.all(Array.from({ length: 100 }, call))
  expect(pids.size).toBeLessThanOrEqual(4)
})

test('a call within a call gets another hand: what is claimed is looked at meanwhile', async () => {
  await expect(hands.use(null, () => hands.use(null, look))).resolves.toEqual([])
})

test('while one is stuck, others go on', async () => {
  const path = join(dir, 'fifo')
  execFileSync('mkfifo', [path])
  const call = hands.use('host3', (hand) => hand.call('write', { path, text: '1' }, 5_000))
  call.catch(() => {})
  await expect(hands.use('host4', look)).resolves.toEqual([])
  await expect(hands.use(null, look)).resolves.toEqual([])
  execFileSync('cat', [path])
  await expect(call).resolves.toBeNull()
})

test('a waiting caller is never given a stuck worker', async () => {
  const [, waiting] = await Promise.all([stuck('host3'), hands.use('host4', look)])
  expect(waiting).toEqual([])
})

test('a stuck lane refuses at once, and tells why; others are open; it opens when the kernel lets go', async () => {
  const hand = await stuck('host3')
  const again = hands.use('host3', look)
  await expect(again).rejects.toMatchObject({
    code: 'STUCK',
    message: expect.stringContaining('did not return'),
  })
  await expect(hands.use('host4', look)).resolves.toEqual([])
  await ended(hand)
  await expect(hands.use('host3', look)).resolves.toEqual([])
})

test('a call that fails leaves its hand and its lane as they were', async () => {
  let pid = 0
  await expect(
    hands.use('host3', async (hand) => {
      pid = hand.pid
      return hand.call('write', { path: join(dir, 'none'), text: '1' }, DEADLINE_MS)
    }),
  ).rejects.toMatchObject({ errno: 'ENOENT' })
  await expect(hands.use('host3', async (hand) => hand.pid)).resolves.toBe(pid)
})

test('a hand that died while it was idle is not handed out', async () => {
  const pid = await hands.use(null, async (hand) => {
    await look(hand)
    return hand
  })
  process.kill(pid.pid, 'SIGKILL')
  await ended(pid)
  await expect(hands.use(null, look)).resolves.toEqual([])
})

test('warm starts one, and the first call uses it', async () => {
  hands.warm()
  hands.warm()
  await hands.use(null, look)
  const children = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'args='], { encoding: 'utf8' })
  expect(children.split('\n').filter((line) => line.includes('hand/main.ts'))).toHaveLength(1)
})

test('a hand that was started ahead of time and never used keeps no process from ending', () => {
  const source = join(import.meta.dirname, '../../../../src/host/hand/hands.ts')
  const script = `import { Hands } from ${JSON.stringify(source)}; new Hands().warm()`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { timeout: 30_000 })
  expect(hands).toBeDefined()
})

test('a hand that nobody needs for a while is let go, and the next call has another', async () => {
  const quick = new Hands(100)
  onTestFinished(() => quick.close())
  const first = await quick.use(null, async (hand) => {
    await look(hand)
    return hand
  })
  await ended(first)
  const second = await quick.use(null, async (hand) => {
    await look(hand)
    return hand
  })
  expect(second.pid).not.toBe(first.pid)
})

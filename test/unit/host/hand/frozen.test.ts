import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Hand } from '../../../../src/host/hand/hand.ts'
import { Hands } from '../../../../src/host/hand/hands.ts'

// A process in a frozen cgroup (v1) survives SIGKILL until it is thawed, as one does that is in an
// uninterruptible wait in the kernel. Where there is no such cgroup, the lab has the real thing.
const FREEZER = '/sys/fs/cgroup/freezer'
const isThere = process.getuid?.() === 0 && existsSync(join(FREEZER, 'tasks'))

const DEADLINE_MS = 20_000
const look = (hand: Hand) => hand.call('missingDirectories', { path: '/' }, DEADLINE_MS)

let count = 0

/** Freezes a process. What comes back thaws it, and resolves when it is gone if it was killed meanwhile. */
function freeze(hand: Hand): () => Promise<void> {
  const group = join(FREEZER, `lunkeeper-${process.pid}-${++count}`)
  mkdirSync(group)
  const state = (word: string) => writeFileSync(join(group, 'freezer.state'), word)
  onTestFinished(async () => {
    state('THAWED')
    hand.dismiss()
    while (readFileSync(join(group, 'cgroup.procs'), 'utf8') !== '') await pause(5)
    rmdirSync(group)
  })
  writeFileSync(join(group, 'cgroup.procs'), String(hand.pid))
  state('FROZEN')
  const ended = new Promise<void>((resolve) => hand.onExit(resolve))
  return () => {
    state('THAWED')
    return ended
  }
}

/** Two hands of a pool at once, both free again after. */
async function twoOf(hands: Hands): Promise<[Hand, Hand]> {
  return hands.use(null, (first) =>
    hands.use(null, async (second) => {
      await Promise.all([look(first), look(second)])
      return [first, second] as [Hand, Hand]
    }),
  )
}

const short = (hand: Hand) => hand.call('missingDirectories', { path: '/' }, 100)
const refused = { code: 'STUCK', message: expect.stringContaining('host3 is stuck in the kernel') }

test.skipIf(!isThere)(
  'a hand that not even SIGKILL ends: left behind at its deadline, its lane closed until the kernel lets go',
  async () => {
    const hands = new Hands()
    onTestFinished(() => hands.close())
    const hand = await hands.use(null, async (hand) => {
      await look(hand)
      return hand
    })
    const thaw = freeze(hand)
    await expect(hands.use('host3', short)).rejects.toMatchObject({
      code: 'STUCK',
      details: { pid: hand.pid },
    })
    // Killed, and there all the same.
    process.kill(hand.pid, 0)
    await expect(hands.use('host3', look)).rejects.toMatchObject(refused)
    await expect(hands.use('host4', look)).resolves.toEqual([])
    await thaw()
    await expect(hands.use('host3', look)).resolves.toEqual([])
  },
)

test.skipIf(!isThere)('two that are stuck in one lane: it stays closed until both are back', async () => {
  const hands = new Hands()
  onTestFinished(() => hands.close())
  const [thawFirst, thawSecond] = (await twoOf(hands)).map(freeze)
  const outcomes = await Promise.allSettled([hands.use('host3', short), hands.use('host3', short)])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await thawFirst!()
  await expect(hands.use('host3', look)).rejects.toMatchObject(refused)
  await thawSecond!()
  await expect(hands.use('host3', look)).resolves.toEqual([])
})

import { setTimeout as sleep } from 'node:timers/promises'

import { expect, test } from 'vitest'

import type { Host } from '../../../../src/host/host.ts'
import { sendMessage } from '../../../../src/host/map/messages.ts'

/** A machine on which each program that sends messages takes 50 ms, and every message to `bad` fails. */
function machine() {
  const sent: string[][] = []
  const run = async (_program: string, _args: readonly string[], { input = '' }) => {
    const lines = input.split('\n').slice(0, -1)
    sent.push(lines)
    await sleep(50)
    const stdout = lines.map((line) => (line.startsWith('bad ') ? '1\n' : '0\n')).join('')
    return { code: 0, signal: null, stdout, stderr: 'bad: No such device or address' }
  }
  return { host: { run } as unknown as Host, sent }
}

test('the messages of volumes that return one after another are sent by one program', async () => {
  const { host, sent } = machine()
  const all = []
  for (let volume = 0; volume < 20; volume++) {
    all.push(sendMessage(host, `v${volume}`, 'reinstate_path 8:16'))
    await sleep(5)
  }
  await Promise.all(all)
  // There can be more than one on a busy machine.
  expect(sent.length).toBeLessThan(5)
})

test('a message that waits for others is sent after a bounded time', async () => {
  const { host } = machine()
  const others: Promise<void>[] = []
  // It is never quiet: another message comes every 5 ms.
  const more = setInterval(() => others.push(sendMessage(host, 'other', 'queue_if_no_path')), 5)
  const start = performance.now()
  await sendMessage(host, 'first', 'queue_if_no_path')
  expect(performance.now() - start).toBeLessThan(5_000)
  clearInterval(more)
  await Promise.all(others)
})

test('a message that is rejected fails, and only that one', async () => {
  const { host } = machine()
  const all = await Promise.allSettled(
    ['good', 'bad', 'fine'].map((map) => sendMessage(host, map, 'fail_path 8:16')),
  )
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(all[1]).toMatchObject({ reason: { code: 'MAP_FAILED' } })
})

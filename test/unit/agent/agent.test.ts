import { symlinkSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it, onTestFinished } from 'vitest'

import { runAgent } from '../../../src/agent/agent.ts'
import { setHold } from '../../../src/hold/change.ts'
import { holdMapName } from '../../../src/host/map/hold-map.ts'
import type { Host } from '../../../src/host/host.ts'
import type { Attachment } from '../../../src/model/attachment.ts'
import { readHoldNote } from '../../../src/state/records/hold-note.ts'
import { fakeNode, NAME, staged } from '../kubernetes/node.ts'

const MAP = holdMapName(NAME)
const DISK = 'sys/devices/platform/host2/session1/target2:0:0/2:0:0:0'
const record: Attachment = { ...staged, request: { ...staged.request, hold: { wanted: 120, mode: 'map' } } }

/** A node with one hold map, for which device-mapper answers, and the agent on it. */
function agentOnFakeNode() {
  const node = fakeNode()
  const map = { queueing: true, active: true }
  const messages: string[] = []
  const dmsetup = ([verb, , , text = '']: readonly string[]): string => {
    if (verb === 'table')
      return `${MAP}: 0 2048 multipath ${map.queueing ? '1 queue_if_no_path' : '0'} 0 1 1\n`
    if (verb === 'status')
      return `${MAP}: 0 2048 multipath 2 0 0 0 1 1 A 0 1 0 8:0 ${map.active ? 'A' : 'F'} 0\n`
    messages.push(text)
    if (text.startsWith('fail_path')) map.active = false
    if (text.endsWith('_if_no_path')) map.queueing = text.startsWith('queue')
    return ''
  }
  const host: Host = {
    ...node.host,
    run: async (program, args) => ({
      code: 0,
      signal: null,
      stdout: program === 'dmsetup' ? dmsetup(args) : '',
      stderr: '',
    }),
  }
  node.file(`${DISK}/block/sda/dev`, '8:0\n')
  node.file(`${DISK}/block/sda/holders/dm-0`, '')
  node.file('sys/block/dm-0/slaves/sda', '')
  node.file('sys/class/iscsi_connection/connection1:0/local_port', '40000\n')
  node.file('sys/class/scsi_device/2:0:0:0/device/state', 'running\n')
  symlinkSync(join(node.host.paths.root, DISK, 'block/sda'), join(node.host.paths.sys, 'block/sda'))
  node.record(record)

  const stop = new AbortController()
  const log: string[] = []
  let heard = Promise.withResolvers<void>()
  const ready = Promise.withResolvers<void>()
  const ended = runAgent(host, {
    signal: stop.signal,
    write: (line) => {
      log.push(line)
      heard.resolve()
      heard = Promise.withResolvers()
    },
    ready: ready.resolve,
    restored: () => {},
    alive: () => {},
  })
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  /** Waits until the agent has logged this. */
  const says = async (pattern: RegExp) => {
    while (!log.some((line) => pattern.test(line))) await heard.promise
  }
  return { node, host, map, messages, ready: ready.promise, says, stop, ended }
}

it('the agent holds a volume whose path does not prove to be it, and ends the hold in time', async () => {
  const { host, messages, map, ready, says } = agentOnFakeNode()
  await ready
  // The volume's identity was never learned: the path cannot be verified, and carries no more I/O.
  await says(/all paths lost; holding I\/O for up to 120 s/)
  expect(readHoldNote(host, NAME)).toMatchObject({ ended: null })
  await expect.poll(() => messages).toContain('fail_path 8:0')
  expect(map).toEqual({ queueing: true, active: false })
  // The agent notices a command that changes the record.
  await setHold(host, NAME, 0)
  await says(/the hold of 0 s is over/)
  expect(readHoldNote(host, NAME)).toMatchObject({ ended: 'deadline' })
  await expect.poll(() => map.queueing).toBe(false)
})

it('an agent that is stopped ends without help, and leaves the hold to the next one', async () => {
  const { host, map, ready, says, stop, ended } = agentOnFakeNode()
  await ready
  await says(/all paths lost/)
  stop.abort()
  await ended
  expect(readHoldNote(host, NAME)).toMatchObject({ ended: null })
  expect(map.queueing).toBe(true)
})

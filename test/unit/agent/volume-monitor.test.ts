import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import type { AgentContext } from '../../../src/agent/backends/backend.ts'
import { watchedBackend } from '../../../src/agent/backends/watched.ts'
import { AgentLog } from '../../../src/agent/log.ts'
import { Scheduler } from '../../../src/agent/scheduler.ts'
import { VolumeMonitor } from '../../../src/agent/volume-monitor.ts'
import { readHistory } from '../../../src/state/records/history.ts'
import { holdNotes, readHoldNote } from '../../../src/state/records/hold-note.ts'
import type { Attachment } from '../../../src/model/attachment.ts'
import type { StepResult } from '../../../src/model/plan/hold-steps.ts'
import { statusOf } from '../../../src/state/view/status.ts'
import type { FakeNode } from '../kubernetes/node.ts'
import { fakeNode, NAME, staged } from '../kubernetes/node.ts'

const DISK = 'sys/devices/platform/host2/session1/target2:0:0/2:0:0:0'
const record: Attachment = { ...staged, mode: 'session', device: '/dev/sda' }

let node: FakeNode
let monitor: VolumeMonitor
let log: string[]
let queueing: ReadonlySet<string>

beforeEach(() => {
  node = fakeNode()
  // We have no map here.
  rmSync(join(node.host.paths.sys, 'block/dm-0'), { recursive: true })
  node.file(`${DISK}/block/sda/dev`, '8:0\n')
  node.file('sys/devices/platform/host2/session1/iscsi_session/session1/recovery_tmo', '120\n')
  node.record(record)
  log = []
  queueing = new Set()
  monitor = monitorOf(record)
})

/** @param recover used instead of the agent's own */
function monitorOf(volume: Attachment, recover?: () => Promise<StepResult>): VolumeMonitor {
  const { signal } = new AbortController()
  const some = { maps: null, probes: null, searchPortals: () => {} } as unknown as AgentContext
  const context: AgentContext = {
    ...some,
    host: node.host,
    schedule: new Scheduler(),
    log: new AgentLog((line) => log.push(line)),
    signal,
    volumes: () => 1,
  }
  const backend = watchedBackend(context, async () => queueing)
  const lasting = { ...backend.lasting, ...(recover ? { recover } : {}) }
  return new VolumeMonitor(context, { ...backend, lasting }, volume)
}

const disk = (state: string) => node.file(`${DISK}/state`, `${state}\n`)
const note = () => readHoldNote(node.host, NAME)
async function look(session: string, state: string) {
  node.session(session)
  disk(state)
  await monitor.look(() => [])
  return note()
}

it('an outage that ends well: noted with the deadline of the timer that runs, and no longer when it is over', async () => {
  expect(await look('LOGGED_IN', 'running')).toBeNull()
  const waiting = await look('FAILED', 'blocked')
  expect(waiting).toMatchObject({ ended: null, deadline: expect.any(String) })
  expect(Date.parse(waiting!.deadline!) - Date.parse(waiting!.since)).toBe(120_000)
  // The session is logged in again; its disk is unblocked a moment later.
  expect(await look('LOGGED_IN', 'blocked')).toEqual(waiting)
  expect(await look('LOGGED_IN', 'running')).toBeNull()
  expect(log).toEqual([
    expect.stringContaining('holding I/O for up to 120 s'),
    expect.stringContaining('I/O resumed after'),
  ])
})

it('an outage, what a command did in it, and its end are in the history, once each, over agents', async () => {
  await look('LOGGED_IN', 'running')
  await look('FAILED', 'blocked')
  monitor = monitorOf(record)
  await look('FAILED', 'blocked')
  await look('FREE', 'transport-offline')
  node.session('LOGGED_IN')
  disk('running')
  for (let n = 0; n < 3; n++) await monitor.look(() => [])
  expect(await node.host.history.settle(10_000)).toBe(true)
  const { events } = readHistory(node.host, { volume: NAME })
  expect(events).toMatchObject([
    { event: 'outage-began', volume: NAME, mode: 'session', by: null },
    { event: 'hold-ended', how: 'deadline', seconds: expect.any(Number) },
    { event: 'outage-ended', io: 'failed', how: 'deadline' },
  ])
})

it('what is seen after the agent has left the volume cannot write the state of its hold: the note would outlive the record', async () => {
  await look('LOGGED_IN', 'running')
  monitor.leave()
  expect(await look('FAILED', 'blocked')).toBeNull()
})

it('one that does not: another agent in the middle changes nothing', async () => {
  await look('LOGGED_IN', 'running')
  const waiting = await look('FAILED', 'blocked')
  monitor = monitorOf(record)
  expect(await look('FAILED', 'blocked')).toEqual(waiting)
  expect(await look('FREE', 'transport-offline')).toEqual({ ...waiting, ended: 'deadline' })
  expect(await look('FREE', 'transport-offline')).toEqual({ ...waiting, ended: 'deadline' })
})

it('a disk that is taken away is a loss; a place that was empty from the start is none', async () => {
  rmSync(join(node.host.paths.root, DISK), { recursive: true })
  await monitor.look(() => [])
  expect(note()).toBeNull()
  disk('running')
  node.file(`${DISK}/block/sda/dev`, '8:0\n')
  await monitor.look(() => [])
  rmSync(join(node.host.paths.root, DISK), { recursive: true })
  await monitor.look(() => [])
  expect(note()).toMatchObject({ ended: 'removed' })
})

it('what is noted is shown while the kernel says so, also where no agent is left to take it back', async () => {
  await look('LOGGED_IN', 'running')
  const { since, deadline } = (await look('FAILED', 'blocked'))!
  expect(await statusOf(node.host, record)).toMatchObject({
    state: 'holding',
    hold: { mode: 'session', effective: 120, since, deadline },
  })
  node.session('FREE')
  disk('transport-offline')
  expect(await statusOf(node.host, record)).toMatchObject({
    state: 'failed',
    hold: { since, deadline: null },
  })
  node.session('LOGGED_IN')
  disk('running')
  expect(await statusOf(node.host, record)).toMatchObject({
    state: 'ready',
    hold: { since: null, deadline: null },
  })
})

it('a disk that is still coming up is not a loss', async () => {
  expect(await look('LOGGED_IN', 'blocked')).toBeNull()
  expect(await look('LOGGED_IN', 'running')).toBeNull()
  expect(log).toEqual([])
})

it('a volume that is being taken off has no outage', async () => {
  await look('LOGGED_IN', 'running')
  node.record({ ...record, phase: 'detaching' })
  expect(await look('FAILED', 'blocked')).toBeNull()
})

it("multipathd's map waits for as long as the kernel is told to; told again, it is counted again", async () => {
  const wwid = '36001405c515000000000000000000000'
  node.file('sys/block/dm-1/dev', '253:1\n')
  node.file('sys/block/dm-1/dm/name', 'mpatha\n')
  node.file('sys/block/dm-1/dm/uuid', `mpath-${wwid}\n`)
  node.file(`${DISK}/block/sda/holders/dm-1`, '')
  const held: Attachment = { ...record, mode: 'multipathd' }
  node.record(held)
  monitor = monitorOf(held)
  await look('LOGGED_IN', 'running')
  queueing = new Set(['mpatha'])
  const waiting = await look('FREE', 'transport-offline')
  expect(waiting).toMatchObject({ ended: null })
  queueing = new Set()
  expect(await look('FREE', 'transport-offline')).toEqual({ ...waiting, ended: 'deadline' })
  // Without a setting, multipathd queues for another moment: what has failed stays failed.
  queueing = new Set(['mpatha'])
  expect(await look('FREE', 'transport-offline')).toMatchObject({ ended: 'deadline' })
  // A command has given the volume another hold.
  monitor.record = { ...held }
  expect(await look('FREE', 'transport-offline')).toMatchObject({ since: waiting!.since, ended: null })
})

it('the result of a step that cannot be taken in, because the note cannot be read, is taken in later', async () => {
  const recovered = Promise.withResolvers<StepResult>()
  monitor = monitorOf(record, () => recovered.promise)
  await look('LOGGED_IN', 'running')
  await look('FAILED', 'blocked')
  const ended = await look('FREE', 'transport-offline')
  await look('LOGGED_IN', 'running')
  const path = join(holdNotes(node.host), `${NAME}.json`)
  rmSync(path)
  mkdirSync(path)
  recovered.resolve({ kind: 'recover', trouble: null })
  await expect.poll(() => log.length).toBeGreaterThan(2)
  rmSync(path, { recursive: true })
  writeFileSync(path, JSON.stringify(ended))
  await expect
    .poll(async () => {
      await monitor.look(() => [])
      return note()
    })
    .toBeNull()
})

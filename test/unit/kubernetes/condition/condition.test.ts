import { expect, it, onTestFinished } from 'vitest'

import { openApi } from '../../../../src/kubernetes/api/client.ts'
import { ConditionWriter } from '../../../../src/kubernetes/condition/condition-writer.ts'
import { CONDITION, conditionAfterStop, conditionOf } from '../../../../src/kubernetes/condition/condition.ts'
import type { AttachmentState, VolumeStatus } from '../../../../src/model/attachment.ts'
import { validateAsked } from '../../../api-server/schemas.ts'
import type { World } from '../world.ts'
import { until, world } from '../world.ts'

const volume = (name: string, state: AttachmentState, deadline: string | null = null) =>
  ({ name, state, hold: { deadline } }) as VolumeStatus
const fine = conditionOf([volume('a', 'ready')])
const waits = conditionOf([volume('a', 'holding', 'T')])

function start({ account, say }: World, pace = { heartbeat: 300_000, pause: 200 }): ConditionWriter {
  const api = openApi(account)
  const stop = new AbortController()
  const condition = new ConditionWriter(api, 'node-1', say, pace)
  const ended = condition.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
    api[Symbol.dispose]()
  })
  return condition
}
const ours = ({ server }: World) => server.conditions.find(({ type }) => type === CONDITION)
const writes = ({ server }: World) => server.asked.filter(({ verb }) => verb === 'patch').length

it('the condition is True if there is a problem', () => {
  expect(fine).toEqual({ status: 'False', reason: 'NoVolumeProblem', message: '1 volume, no problem' })
  expect(waits).toEqual({
    status: 'True',
    reason: 'VolumesWaiting',
    message: 'I/O of 1 volume is held because the storage is away: a until T',
  })
  const both = conditionOf([volume('a', 'holding'), volume('b', 'failed'), volume('c', 'attaching')])
  expect(both).toMatchObject({ status: 'True', reason: 'VolumesFailed' })
  expect(both.message).toMatch(/1 volume failed: b; I\/O of 1 volume is held because the storage is away: a$/)
  const owner = { holder: 'iqn.2026-01.example:b' }
  expect(conditionOf([{ ...volume('a', 'fenced'), owner } as VolumeStatus])).toEqual({
    status: 'True',
    reason: 'VolumesFailed',
    message: 'another node has taken 1 volume: a (iqn.2026-01.example:b)',
  })
  expect(conditionOf([volume('a', 'misplaced')])).toMatchObject({
    status: 'True',
    message: 'another volume answers in place of 1 volume: a',
  })
  const many = conditionOf(Array.from({ length: 100 }, (_, n) => volume(`v${n}`, 'holding')))
  expect(many.message).toMatch(/I\/O of 100 volumes is held.*v4, and 95 more$/)
})

it('an agent that stops reports no health, and withdraws no problem', () => {
  expect(conditionAfterStop(fine)).toMatchObject({ status: 'Unknown', reason: 'AgentStopped' })
  expect(conditionAfterStop(null).status).toBe('Unknown')
  expect(conditionAfterStop(waits)).toMatchObject({ status: 'True', reason: 'VolumesWaiting' })
})

it("the condition is written beside the node's others, which are not changed", async () => {
  const there = await world()
  const condition = start(there)
  condition.set(waits)
  await until('it is written', () => ours(there)?.status === 'True')
  validateAsked(there.server.asked, [])
  expect(there.server.conditions).toMatchObject([
    { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' },
    {
      type: CONDITION,
      reason: 'VolumesWaiting',
      lastTransitionTime: expect.stringMatching(/^2\d{3}-.*:\d\dZ$/),
    },
  ])
})

it('a status equal to the one that a former agent left is not a transition, but a heartbeat', async () => {
  const there = await world()
  const before = '2026-02-02T02:02:02Z'
  there.server.conditions.push({
    type: CONDITION,
    status: 'True',
    lastTransitionTime: before,
    lastHeartbeatTime: before,
  })
  const condition = start(there)
  condition.set(waits)
  await until('it is written', () => ours(there)?.lastHeartbeatTime !== before)
  expect(ours(there)).toMatchObject({ status: 'True', lastTransitionTime: before })
  condition.set(fine)
  await until('it is over', () => ours(there)?.status === 'False')
  expect(ours(there)?.lastTransitionTime).not.toBe(before)
})

it('an unchanged condition is not written before the next heartbeat', async () => {
  const there = await world()
  const condition = start(there, { heartbeat: 700, pause: 100 })
  condition.set(fine)
  await until('it is written', () => writes(there) === 1)
  condition.set({ ...fine })
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(writes(there)).toBe(1)
  await until('the heartbeat', () => writes(there) === 2)
})

it('the newest condition is written once a server that refused or hung accepts it, which is reported once', async () => {
  const there = await world()
  there.server.mood = { status: 503 }
  const condition = start(there)
  condition.set(waits)
  await until('a second try', () => there.server.asked.length >= 2)
  condition.set(fine)
  there.server.mood = {}
  await until('it is written', () => ours(there) !== undefined)
  expect(ours(there)?.status).toBe('False')
  // The server has it before the answer is back.
  await until('it is said', () => there.log.length > 1)
  expect(there.log).toEqual([
    'kubernetes: the node condition cannot be written: 503: as told',
    'kubernetes: the node condition can be written again',
  ])
})

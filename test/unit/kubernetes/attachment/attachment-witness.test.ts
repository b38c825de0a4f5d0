import { describe, expect, it, vi } from 'vitest'

import { openApi } from '../../../../src/kubernetes/api/client.ts'
import { AttachmentWitness } from '../../../../src/kubernetes/attachment/attachment-witness.ts'
import { rulesOf, world } from '../world.ts'
import { made } from './attachments.ts'

const { signal } = new AbortController()
const own = made('h', 'node-1', { uid: 'uid-1', attached: true })
const ref = { name: own.metadata.name, uid: 'uid-1' }

async function witnessAt(mood: object) {
  const { server, account } = await world({ attachments: [own] }, rulesOf('agent'))
  server.mood = mood
  const api = openApi(account)
  const back = vi.fn<() => void>()
  return { server, api, back, witness: new AttachmentWitness(api, signal, back) }
}

describe('an API server that does not answer', () => {
  it.each([
    ['with an error', { status: 503 }],
    ['and rejects the token', { token: 'other' }],
  ])('%s is asked until it does, and that is told once', async (_, mood) => {
    const { server, api, back, witness } = await witnessAt(mood)
    using _api = api
    using _witness = witness
    expect(await witness.ask(ref)).toBe('unreachable')
    expect(await witness.ask(ref)).toBe('unreachable')
    expect(back).not.toHaveBeenCalled()
    server.mood = {}
    await vi.waitFor(() => expect(back).toHaveBeenCalledOnce(), 10_000)
    expect(await witness.ask(ref)).toBe('mine')
    const { length } = server.asked
    await vi.waitFor(() => expect(back).toHaveBeenCalledOnce())
    expect(server.asked).toHaveLength(length)
  })

  it('answers a question that was lost as soon as it answers again', async () => {
    const { server, api, back, witness } = await witnessAt({ hang: true })
    using _api = api
    using _witness = witness
    const asked = witness.ask(ref)
    await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(1), 10_000)
    server.mood = {}
    expect(await asked).toBe('mine')
    expect(back).toHaveBeenCalledOnce()
  })

  it('is not asked any more once the agent has stopped', async () => {
    const { server, api, witness } = await witnessAt({ status: 503 })
    using _api = api
    expect(await witness.ask(ref)).toBe('unreachable')
    witness[Symbol.dispose]()
    const { length } = server.asked
    expect(await witness.ask(ref)).toBe('unreachable')
    expect(server.asked).toHaveLength(length)
  })
})

import { describe, expect, it, onTestFinished, vi } from 'vitest'

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
  const [api, probeApi] = [openApi(account), openApi(account)]
  onTestFinished(() => [api, probeApi].forEach((one) => one[Symbol.dispose]()))
  const back = vi.fn<() => void>()
  return { server, back, witness: new AttachmentWitness(api, probeApi, signal, back) }
}

describe('an API server that does not answer', () => {
  it.each([
    ['with an error', { status: 503 }],
    ['because a proxy is before it', { status: 502 }],
  ])('%s is asked until it does, and that is told once', async (_, mood) => {
    const { server, back, witness } = await witnessAt(mood)
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

  it('and lets many questions wait is found back, since the probe has a connection of its own', async () => {
    const { server, back, witness } = await witnessAt({ hang: true })
    using _witness = witness
    const asked = Promise.all(Array.from({ length: 8 }, () => witness.ask(ref)))
    await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(4), 10_000)
    server.mood = {}
    expect(await asked).toEqual(Array.from({ length: 8 }, () => 'mine'))
    expect(back).toHaveBeenCalledOnce()
  })

  it('that answers without being of use is not asked again at once', async () => {
    const { server, back, witness } = await witnessAt({ token: 'other' })
    using _witness = witness
    expect(await witness.ask(ref)).toBe('unreachable')
    await vi.waitFor(() => expect(server.asked).toHaveLength(2), 10_000)
    server.mood = {}
    // A volume that asks meanwhile finds out first, and that counts.
    expect(await witness.ask(ref)).toBe('mine')
    expect(back).toHaveBeenCalledOnce()
    expect(server.asked).toHaveLength(3)
  })

  it('answers a question that was lost as soon as it answers again', async () => {
    const { server, back, witness } = await witnessAt({ hang: true })
    using _witness = witness
    const asked = witness.ask(ref)
    await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(1), 10_000)
    server.mood = {}
    expect(await asked).toBe('mine')
    expect(back).toHaveBeenCalledOnce()
  })

  it('is not asked any more once the agent has stopped', async () => {
    const { server, witness } = await witnessAt({ status: 503 })
    expect(await witness.ask(ref)).toBe('unreachable')
    witness[Symbol.dispose]()
    const { length } = server.asked
    expect(await witness.ask(ref)).toBe('unreachable')
    expect(server.asked).toHaveLength(length)
  })
})

import { describe, expect, it } from 'vitest'

import { openApi } from '../../../../src/kubernetes/api/client.ts'
import type { Api } from '../../../../src/kubernetes/api/client.ts'
import { askAttachment } from '../../../../src/kubernetes/attachment/witness.ts'
import { rulesOf, world } from '../world.ts'
import { made } from './attachments.ts'

const { signal } = new AbortController()
const own = made('h', 'node-1', { uid: 'uid-1', attached: true })
const verdictOf = async (...asked: Parameters<typeof askAttachment>) =>
  (await askAttachment(...asked)).verdict
const ref = { name: own.metadata.name, uid: 'uid-1' }

describe('what the API server says of an attachment', () => {
  it.each([
    ['mine', [own]],
    ['replaced', [made('h', 'node-1', { uid: 'uid-2' })]],
    ['deleting', [made('h', 'node-1', { uid: 'uid-1', deletedAt: '2026-11-20T23:00:00Z' })]],
    ['replaced', [made('h', 'node-1', { uid: 'uid-2', deletedAt: '2026-11-20T23:00:00Z' })]],
    ['gone', [made('h', 'node-2')]],
  ])('%s', async (verdict, attachments) => {
    const { server, account } = await world({ attachments }, rulesOf('agent'))
    using api = openApi(account)
    expect(await verdictOf(api, ref, signal)).toBe(verdict)
    expect(server.asked.map(({ verb, resource, group }) => `${verb} ${group}/${resource}`)).toEqual([
      'get storage.k8s.io/volumeattachments',
    ])
    // A server's cache may be older than later decisions.
    expect(server.asked[0]!.path).not.toContain('resourceVersion')
  })
})

describe('whatever is not a usable answer counts as unreachable', () => {
  it.each([
    ['an error of the server', { status: 500 }],
    ['a server that is overloaded', { status: 429 }],
    ['a token that is not accepted', { token: 'other' }],
    ['a 404 that is not about the object', { status: 404 }],
  ])('%s', async (_, mood) => {
    const { server, account } = await world({ attachments: [own] }, rulesOf('agent'))
    server.mood = mood
    using api = openApi(account)
    expect(await verdictOf(api, ref, signal)).toBe('unreachable')
  })

  it('a role that does not allow the request', async () => {
    const { account } = await world({ attachments: [own] }, [])
    using api = openApi(account)
    expect(await verdictOf(api, ref, signal)).toBe('unreachable')
  })

  it('no server, and one that does not answer before the caller has enough', async () => {
    const { server, account } = await world({ attachments: [own] }, rulesOf('agent'))
    server.mood = { hang: true }
    using api = openApi(account)
    expect(await verdictOf(api, ref, AbortSignal.timeout(50))).toBe('unreachable')
    await server[Symbol.asyncDispose]()
    expect(await verdictOf(api, ref, signal)).toBe('unreachable')
  })

  it.each([
    ['another object', { metadata: { name: 'csi-other', uid: 'uid-1' } }],
    ['not an object', 'mine'],
    ['nothing', null],
    ['an object without a uid', { metadata: { name: ref.name } }],
  ])('an answer that is %s', async (_, body) => {
    const api: Api = {
      ask: async () => ({ status: 200, body, retryAfter: null }),
      [Symbol.dispose]: () => {},
    }
    expect(await verdictOf(api, ref, signal)).toBe('unreachable')
  })

  it('a NotFound of another name or kind', async () => {
    for (const details of [
      { name: 'csi-other', kind: 'volumeattachments' },
      { name: ref.name, kind: 'pods' },
    ]) {
      const body = { kind: 'Status', reason: 'NotFound', details }
      const api: Api = {
        ask: async () => ({ status: 404, body, retryAfter: null }),
        [Symbol.dispose]: () => {},
      }
      expect(await verdictOf(api, ref, signal)).toBe('unreachable')
    }
  })
})

import { describe, expect, it, onTestFinished } from 'vitest'

import { podAccount } from '../../../../src/kubernetes/api/account.ts'
import { openApi } from '../../../../src/kubernetes/api/client.ts'
import { findPersistentVolume, listPods } from '../../../../src/kubernetes/api/objects.ts'
import { retryDelay } from '../../../../src/kubernetes/api/retry-delay.ts'
import { isRetryable, isServerUnavailable, ApiError } from '../../../../src/kubernetes/api/api-error.ts'
import { ApiServer } from '../../../api-server/server.ts'
import { codeOf } from '../../model/code-of.ts'
import { pod, world } from '../world.ts'

const { signal } = new AbortController()
const get = { method: 'GET', path: '/api/v1/persistentvolumes/orders' } as const

describe('the account of a pod', () => {
  it('a missing account is reported at the start', () => {
    expect(codeOf(() => podAccount({}))).toBe('USAGE')
    const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }
    expect(codeOf(() => podAccount({ ...env, LUNKEEPER_SERVICE_ACCOUNT: '/nowhere' }))).toBe('USAGE')
  })

  it('a token that was replaced in its file is used at once', async () => {
    const { server, account, token } = await world()
    using api = openApi(account)
    expect((await api.ask(get, signal)).status).toBe(200)
    server.mood = { token: 'token-2' }
    expect((await api.ask(get, signal)).status).toBe(401)
    token('token-2')
    expect((await api.ask(get, signal)).status).toBe(200)
  })

  it('a server that another certificate vouches for gets no token', async () => {
    const { account } = await world()
    const other = await ApiServer.start({ node: 'node-1', pods: [], volumes: [] }, [])
    onTestFinished(() => other[Symbol.asyncDispose]())
    using api = openApi({ ...account, port: other.port })
    await expect(api.ask(get, signal)).rejects.toThrow(/self-signed certificate/)
    expect(other.asked).toEqual([])
  })
})

describe('a request ends', () => {
  it('when the server does not answer', async () => {
    const { server, account } = await world()
    server.mood = { hang: true }
    using api = openApi(account, 200)
    const started = performance.now()
    await expect(api.ask(get, signal)).rejects.toThrow('no answer within 0.2 s')
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('when it is told to stop', async () => {
    const { server, account } = await world()
    server.mood = { hang: true }
    using api = openApi(account)
    await expect(api.ask(get, AbortSignal.timeout(100))).rejects.toThrow(/abort/i)
  })

  it('when no server listens', async () => {
    const { server, account } = await world()
    await server[Symbol.asyncDispose]()
    using api = openApi(account)
    await expect(api.ask(get, signal)).rejects.toThrow('ECONNREFUSED')
  })
})

describe('objects', () => {
  it("are read as metadata only, because volume attributes and pods' environments may be secret", async () => {
    const { account } = await world({ pods: [pod('shop-1', 'uid-1'), pod('bare', 'uid-2', null)] })
    using api = openApi(account)
    expect(await findPersistentVolume(api, 'orders', signal)).toMatchObject({ name: 'orders', uid: 'pv-uid' })
    expect(await findPersistentVolume(api, 'other', signal)).toBeNull()
    expect(await listPods(api, 'node-1', signal)).toMatchObject([
      { name: 'shop-1', namespace: 'shop', uid: 'uid-1', controller: 'ReplicaSet', isEnding: false },
      { name: 'bare', controller: null },
    ])
    expect(await listPods(api, 'node-2', signal)).toEqual([])
    // If metadata is not requested, the server of this test returns the whole object.
    const { body } = await api.ask({ ...get, metadataOnly: 'one' }, signal)
    expect(JSON.stringify(body)).not.toContain('secret')
    expect(JSON.stringify((await api.ask(get, signal)).body)).toContain('secret')
  })
})

describe('what is refused', () => {
  const refusal = (status: number, retryAfter: number | null = null) =>
    new ApiError({ status, retryAfter, body: { message: 'no' } })

  it('is tried again where it may be granted later', () => {
    const later = [401, 403, 404, 409, 415, 422, 429, 500, 503].filter((status) =>
      isRetryable(refusal(status)),
    )
    expect(later).toEqual([401, 403, 409, 429, 500, 503])
    expect(isRetryable(new Error('ECONNREFUSED'))).toBe(true)
    expect([401, 403, 409, 429, 500].filter((status) => isServerUnavailable(refusal(status)))).toEqual([
      401, 429, 500,
    ])
  })

  it('after a pause that grows to a minute, or as long as the server says, but for minutes only', () => {
    const pauses = [1, 2, 3, 7, 50].map((tries) => retryDelay(tries, refusal(500), () => 0.5))
    expect(pauses).toEqual([1_000, 2_000, 4_000, 60_000, 60_000])
    expect(retryDelay(1, refusal(429, 7_000))).toBe(7_000)
    expect(retryDelay(1, refusal(429, 1e12))).toBe(300_000)
  })
})

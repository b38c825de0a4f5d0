import { describe, expect, it } from 'vitest'

import { calm, trouble } from '../../../page/models.ts'
import { exchange } from '../exchange.ts'
import { errorIn, NOW, PORT, ServedApi } from './served-api.ts'

const api = new ServedApi()

describe('reading the node', () => {
  it('returns what the commands print', async () => {
    await api.open()
    const { volumes, sessions, findings } = trouble(NOW)
    expect(await (await api.ask('/api/v1/volumes')).json()).toEqual(volumes)
    expect(await (await api.ask('/api/v1/volumes/db')).json()).toEqual(volumes[0])
    expect(await (await api.ask('/api/v1/sessions')).json()).toEqual(sessions)
    expect(await (await api.ask('/api/v1/findings')).json()).toEqual({ findings })
    expect(await errorIn(await api.ask('/api/v1/volumes/nothing'))).toEqual([404, 'NOT_FOUND'])
    expect(await errorIn(await api.ask('/api/v1/volumes/%zz'))).toEqual([404, 'NO_ROUTE'])
    expect(await errorIn(await api.ask('/api/v2/volumes'))).toEqual([404, 'NO_ROUTE'])
  })

  it('returns the new state after a change', async () => {
    await api.open()
    await api.ask('/api/v1/volumes/db')
    api.served.show(calm(NOW))
    expect(await (await api.ask('/api/v1/volumes/db')).json()).toMatchObject({ state: 'ready' })
  })

  it('all answers have headers that forbid content from other sites', async () => {
    await api.open({ code: { script: 'let a', style: 'a{}' } })
    for (const path of ['/', '/page.js', '/page.css', '/icon.svg', '/api/v1/node', '/api/v1/nothing']) {
      const { headers } = await api.ask(path)
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/)
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
    expect(await (await api.ask('/page.js')).text()).toBe('let a')
    const text = await (await api.ask('/')).text()
    expect(text).not.toMatch(/<(?:script|style)>|\son\w+=|\sstyle=|https?:/)
    expect((await api.ask('/', { method: 'POST' })).status).toBe(405)
  })

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', '', '[::1'])(
    'a host name that is not of this machine is refused: %s',
    async (host) => {
      await api.open()
      for (const path of ['/', '/api/v1/volumes', '/api/v1/openapi.json'])
        expect(
          await exchange(PORT, `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`),
        ).toMatch(/ 421 .*"HOST"/s)
      expect(
        await exchange(PORT, `GET /healthz HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`),
      ).toMatch(/ 200 /)
    },
  )

  it.each(['localhost', 'LOCALHOST:8080', '10.0.0.7:9600', '[fd00::1]:9600', '[::1]'])(
    'addresses and names of this machine are accepted: %s',
    async (host) => {
      await api.open()
      expect(
        await exchange(PORT, `GET /api/v1/node HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`),
      ).toMatch(/ 200 /)
    },
  )

  it('an unhealthy agent reports its problem', async () => {
    await api.open()
    api.served.unhealthyReason = 'it hangs'
    expect(await (await api.ask('/api/v1/node')).json()).toMatchObject({ problem: 'it hangs' })
  })
})

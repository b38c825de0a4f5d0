import { describe, expect, it } from 'vitest'

import { LunkeeperError } from '../../../../src/model/errors.ts'
import { trouble } from '../../../page/models.ts'
import { TOKEN } from '../../../page/served.ts'
import { errorIn, NOW, ServedApi } from './served-api.ts'

const api = new ServedApi()

describe('a change', () => {
  it('is refused by an agent without a token file', async () => {
    await api.open()
    for (const path of ['/api/v1/volumes/db/hold', '/api/v1/volumes/db/give-up', '/api/v1/fix'])
      expect(await errorIn(await api.change(path, { wanted: '1h' }))).toEqual([403, 'READ_ONLY'])
    expect(api.served.changes).toEqual([])
  })

  it('requires the token in a header and a JSON body, and is refused from other web sites', async () => {
    await api.open({ token: true })
    const path = '/api/v1/volumes/db/hold'
    const refused = async (headers: Record<string, string>) =>
      errorIn(await api.change(path, { wanted: '1h' }, headers))
    expect(await refused({ authorization: '' })).toEqual([401, 'TOKEN'])
    expect(await refused({ authorization: `Bearer ${TOKEN}x` })).toEqual([401, 'TOKEN'])
    expect(await refused({ authorization: `Basic ${TOKEN}` })).toEqual([401, 'TOKEN'])
    expect(await refused({ 'content-type': 'text/plain' })).toEqual([415, 'MEDIA_TYPE'])
    expect(await refused({ 'content-type': 'application/x-www-form-urlencoded' })).toEqual([
      415,
      'MEDIA_TYPE',
    ])
    expect(await refused({ origin: 'http://evil.example' })).toEqual([403, 'FOREIGN'])
    expect(await refused({ 'sec-fetch-site': 'cross-site' })).toEqual([403, 'FOREIGN'])
    expect(await errorIn(await api.ask(`${path}?token=${TOKEN}`, { method: 'POST' }))).toEqual([401, 'TOKEN'])
    expect(api.served.changes).toEqual([])
    expect((await api.change(path, { wanted: '1h' }, { origin: api.served.url })).status).toBe(200)
  })

  it('is made as by the command, and logged without the token', async () => {
    await api.open({ token: true })
    const [db] = trouble(NOW).volumes
    api.served.changeResult = async () => db
    expect(await (await api.change('/api/v1/volumes/db/hold', { wanted: 'forever' })).json()).toEqual(db)
    await api.change('/api/v1/volumes/db/hold', { wanted: 90 })
    await api.change('/api/v1/volumes/db/give-up', { confirm: 'db' })
    await api.change('/api/v1/fix', { dryRun: true })
    await api.change('/api/v1/fix', { code: 'PHANTOMS' })
    expect(api.served.changes).toEqual([
      { kind: 'hold', volume: 'db', wanted: 'forever' },
      { kind: 'hold', volume: 'db', wanted: '90s' },
      { kind: 'give-up', volume: 'db' },
      { kind: 'fix', dryRun: true, code: null },
      { kind: 'fix', dryRun: false, code: 'PHANTOMS' },
    ])
    expect(api.served.log[0]).toBe('http: hold "db" --set "forever", asked from this machine')
    expect(api.served.log.join('\n')).not.toContain(TOKEN)
  })

  it.each([
    ['hold', { wanted: true }],
    ['hold', {}],
    ['hold', '['],
    ['hold', '[1]'],
    ['hold', 'null'],
    ['give-up', {}],
    ['../../fix', { dryRun: 1 }],
    ['../../fix', { code: 'toString' }],
    ['give-up', { confirm: 'other' }],
  ])('%s with the body %s is refused', async (what, body) => {
    await api.open({ token: true })
    expect(await errorIn(await api.change(`/api/v1/volumes/db/${what}`, body))).toEqual([400, 'BODY'])
    expect(api.served.changes).toEqual([])
  })

  it('with a body that is too long is refused, and the client gets the answer', async () => {
    await api.open({ token: true })
    for (const length of [5_000, 5_000_000])
      expect(await errorIn(await api.change('/api/v1/volumes/db/hold', 'x'.repeat(length)))).toEqual([
        400,
        'BODY',
      ])
  })

  it.each([
    ['NOT_FOUND', 404],
    ['CONFLICT', 409],
    ['BAD_HOLD', 400],
    ['TIMEOUT', 504],
    ['MAP_FAILED', 500],
  ] as const)('that fails with %s is answered with status %s and the hint', async (code, status) => {
    await api.open({ token: true })
    api.served.changeResult = async () => {
      throw new LunkeeperError(code, 'the change failed', { hint: 'try again' })
    }
    const answer = await api.change('/api/v1/volumes/db/hold', { wanted: '1h' })
    expect(answer.status).toBe(status)
    expect(await answer.json()).toEqual({ error: { code, message: 'the change failed', hint: 'try again' } })
  })

  it('that fails unexpectedly is answered without details of the error', async () => {
    await api.open({ token: true })
    api.served.changeResult = async () => {
      throw new Error('secret stack')
    }
    expect(await (await api.change('/api/v1/fix', {})).text()).not.toContain('secret')
  })
})

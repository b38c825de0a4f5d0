import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'

import { OPENAPI } from '../../../../src/http/api/openapi.ts'
import { ROUTES } from '../../../../src/http/api/routes.ts'
import { calm, trouble } from '../../../page/models.ts'
import { NOW, ServedApi } from './served-api.ts'

const api = new ServedApi()

describe('the OpenAPI description', () => {
  it('has exactly the routes of the API', () => {
    const described = Object.entries(OPENAPI.paths).flatMap(([path, item]) =>
      ['get', 'post'].filter((method) => method in item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted())
  })

  it('requires the token for changes only', () => {
    for (const { method, path, access } of ROUTES) {
      const item = OPENAPI.paths[path as keyof typeof OPENAPI.paths] as Record<string, { security?: unknown }>
      const { security } = item[method.toLowerCase()]!
      expect([path, access === 'change']).toEqual([path, JSON.stringify(security) === '[{"token":[]}]'])
    }
  })

  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'api', ...OPENAPI })
  const wrong = (pointer: string, data: unknown) => {
    const validate = ajv.compile({ $ref: `api#${pointer}` })
    return validate(data) ? null : validate.errors
  }
  const schemaOf = (path: string, method: string, status: string) =>
    `/paths/${path.replaceAll('/', '~1')}/${method}/responses/${status}/content/application~1json/schema`

  it.each(ROUTES.filter(({ method, path }) => method === 'GET' && !path.endsWith('/events')))(
    'the answer of $path, and an error, match the description',
    async ({ path }) => {
      await api.open()
      const answer = await api.ask(path.replace('{name}', 'db'))
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(wrong(schemaOf(path, 'get', '200'), await answer.json())).toBeNull()
      const refused = await api.ask(`${path.replace('{name}', 'db')}?x`, { method: 'DELETE' })
      expect(refused.status).toBe(405)
      expect(wrong('/components/schemas/Error', await refused.json())).toBeNull()
    },
  )

  it('the comparison finds a wrong answer', () => {
    const [first] = calm(NOW).volumes
    expect(wrong('/components/schemas/Volume', first)).toBeNull()
    expect(wrong('/components/schemas/Volume', { ...first, state: 'unknown' })).not.toBeNull()
    expect(wrong('/components/schemas/Volume', { ...first, hold: undefined })).not.toBeNull()
  })

  it('describes every field of the answers', () => {
    const { volumes, sessions, mounts, findings, outages, node } = trouble(NOW)
    const described = (name: keyof typeof OPENAPI.components.schemas) => {
      const schema = OPENAPI.components.schemas[name]
      return Object.keys('properties' in schema ? schema.properties : {})
    }
    const fields = (of: readonly object[]) => [...new Set(of.flatMap((one) => Object.keys(one)))]
    for (const [name, all] of [
      ['Volume', volumes],
      ['Session', sessions],
      ['Mount', mounts],
      ['Finding', findings],
      ['Outage', outages],
      ['NodeInfo', [node]],
    ] as const)
      expect(described(name)).toEqual(expect.arrayContaining(fields(all)))
  })
})

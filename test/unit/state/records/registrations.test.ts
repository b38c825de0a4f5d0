import { expect, it, onTestFinished } from 'vitest'

import { openHost } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'
import { parseKey } from '../../../../src/model/reservation.ts'
import {
  forgetRegistered,
  isRegistered,
  noteRegistered,
  registeredBy,
} from '../../../../src/state/records/registrations.ts'
import { temporary } from '../../temporary.ts'

const KEY = parseKey('4c4b49c3aa796490')
const NEXT = parseKey('4c4b49c3aa790001')

it('the keys that a session registered are found without the records of their volumes', () => {
  const root = temporary()
  const places = { records: `${root}/records`, runtime: `${root}/run` }
  const host = openHost({ paths: hostPaths(root), places })
  onTestFinished(() => host[Symbol.asyncDispose]())
  expect(registeredBy(host, 1)).toEqual([])
  noteRegistered(host, 'db', KEY, 1)
  noteRegistered(host, 'db', KEY, 2)
  noteRegistered(host, 'logs', NEXT, 2)
  expect(registeredBy(host, 1)).toEqual([{ name: 'db', key: KEY }])
  expect(registeredBy(host, 2).toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
    { name: 'db', key: KEY },
    { name: 'logs', key: NEXT },
  ])
  // Sessions that registered the key of an earlier attachment have not registered the next one's.
  expect(isRegistered(host, 'db', NEXT, 1)).toBe(false)
  forgetRegistered(host, 'db')
  expect(registeredBy(host, 1)).toEqual([])
})

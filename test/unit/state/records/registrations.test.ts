import { mkdirSync, writeFileSync } from 'node:fs'

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

function hostIn(root: string) {
  const places = { records: `${root}/records`, runtime: `${root}/run` }
  const host = openHost({ paths: hostPaths(root), places })
  onTestFinished(() => host[Symbol.asyncDispose]())
  return host
}

it('a session that has reconnected since it registered counts as not registered', () => {
  const root = temporary()
  const host = hostIn(root)
  const connect = (port: string) => {
    const directory = `${root}/sys/class/iscsi_connection/connection1:0`
    mkdirSync(directory, { recursive: true })
    writeFileSync(`${directory}/local_port`, `${port}\n`)
  }
  connect('40000')
  noteRegistered(host, 'db', KEY, 1)
  expect(isRegistered(host, 'db', KEY, 1)).toBe(true)
  connect('40001')
  expect(isRegistered(host, 'db', KEY, 1)).toBe(false)
  noteRegistered(host, 'db', KEY, 1)
  expect(isRegistered(host, 'db', KEY, 1)).toBe(true)
})

it('the keys that a session registered are found without the records of their volumes', () => {
  const host = hostIn(temporary())
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

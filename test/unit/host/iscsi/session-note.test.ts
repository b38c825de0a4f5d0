import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  forgetSession,
  isOurSession,
  noteLogin,
  noteSession,
} from '../../../../src/host/iscsi/session-note.ts'
import { parseIqn } from '../../../../src/model/iqn.ts'
import { parsePortal } from '../../../../src/model/portal.ts'
import { session } from '../../model/plan/facts.ts'
import { filesBelow, rootWith } from './root.ts'

const { iqn } = session
const portal = session.portal!

test('a session without a note is not ours', () => {
  expect(isOurSession(rootWith(), session)).toBe(false)
})

test('after a login that was interrupted, the session at that portal is ours', () => {
  const host = rootWith()
  noteLogin(host, iqn, portal)
  expect(isOurSession(host, session)).toBe(true)
})

test('after the login only the session with that number is ours', () => {
  const host = rootWith()
  noteLogin(host, iqn, portal)
  noteSession(host, iqn, portal, 1)
  expect(isOurSession(host, session)).toBe(true)
  expect(isOurSession(host, { ...session, sid: 2 })).toBe(false)
})

test('a session of another target or portal, or without a portal, is not ours', () => {
  const host = rootWith()
  noteLogin(host, iqn, portal)
  expect(isOurSession(host, { ...session, iqn: parseIqn('iqn.2003-01.org.example:y') })).toBe(false)
  expect(isOurSession(host, { ...session, portal: parsePortal('10.0.0.5:3261') })).toBe(false)
  expect(isOurSession(host, { ...session, portal: null })).toBe(false)
})

test('a session whose note was removed, by us or by a reboot, is not ours', () => {
  const host = rootWith()
  noteSession(host, iqn, portal, 1)
  forgetSession(host, iqn, portal)
  expect(isOurSession(host, session)).toBe(false)
  forgetSession(host, iqn, portal)
  noteSession(host, iqn, portal, 1)
  rmSync(host.places.runtime, { recursive: true })
  expect(isOurSession(host, session)).toBe(false)
})

test('a note that cannot be parsed makes no session ours', () => {
  const host = rootWith()
  noteSession(host, iqn, portal, 1)
  const [note] = filesBelow(host.places.runtime)
  for (const text of ['', '{', '[]', '7', '{"sid":"1"}', '{}']) {
    writeFileSync(join(host.places.runtime, note!), text)
    expect(isOurSession(host, session)).toBe(false)
  }
})

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { knownChap } from '../../../../src/host/iscsi/known-chap.ts'
import { findNodeRecord, makeNodeRecord } from '../../../../src/host/iscsi/node-record.ts'
import { hasOtherChap, renewChap } from '../../../../src/host/iscsi/renew-chap.ts'
import { parseChap } from '../../../../src/model/secret.ts'
import { IQN, serve } from './fake-target.ts'
import { rootWith } from './root.ts'

const FORMER = parseChap('username = me\npassword = former-secret-1')
const NEW = parseChap('username = me\npassword = new-secret-0002')
const { signal } = new AbortController()

async function given(secret: string) {
  const host = rootWith({ 'etc/iscsi/initiatorname.iscsi': 'InitiatorName=iqn.2026-01.test:i\n' })
  mkdirSync(join(host.root, 'var/lib/iscsi/nodes'), { recursive: true })
  const { portal } = await serve({ secret })
  makeNodeRecord(host, IQN, portal, { recovery: 600, chap: FORMER })
  const text = () => readFileSync(findNodeRecord(host, IQN, portal)!.path, 'utf8')
  return { host, portal, text }
}

it('credentials that the target accepts replace those in our record, and nothing else in it', async () => {
  const { host, portal, text } = await given(NEW.password.reveal())
  const before = text()
  expect(hasOtherChap(host, IQN, portal, FORMER)).toBe(false)
  expect(hasOtherChap(host, IQN, portal, NEW)).toBe(true)
  await renewChap(host, IQN, portal, NEW, signal)
  expect(hasOtherChap(host, IQN, portal, NEW)).toBe(false)
  expect(knownChap(host, IQN, [portal])!.chap.password.reveal()).toBe(NEW.password.reveal())
  const lines = (of: string) => of.split('\n').filter((line) => !line.includes('.auth.'))
  expect(lines(text())).toEqual(lines(before))
  expect(findNodeRecord(host, IQN, portal)).toMatchObject({ ours: true })
})

it('credentials that the target rejects change nothing', async () => {
  const { host, portal, text } = await given('something-else-3')
  const before = text()
  const refused = await renewChap(host, IQN, portal, NEW, signal).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'CHAP_FAILED' })
  expect(String(refused)).not.toContain('secret')
  expect(text()).toBe(before)
})

it('a mutual secret is compared, too, and a record of another program is left alone', async () => {
  const { host, portal, text } = await given(FORMER.password.reveal())
  const mutual = parseChap(
    'username = me\npassword = former-secret-1\nusername_in = it\npassword_in = battery-staple',
  )
  expect(hasOtherChap(host, IQN, portal, mutual)).toBe(true)
  const { path } = findNodeRecord(host, IQN, portal)!
  const foreign = text().replace(/^# Made by.*\n/, '')
  writeFileSync(path, foreign)
  expect(hasOtherChap(host, IQN, portal, NEW)).toBe(false)
})

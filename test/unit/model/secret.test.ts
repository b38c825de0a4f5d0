import { format, inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LunkeeperError } from '../../../src/model/errors.ts'
import type { Chap } from '../../../src/model/secret.ts'
import { parseChap, Secret } from '../../../src/model/secret.ts'
import { codeOf, messageOf } from './code-of.ts'

const PASSWORD = 'correct-horse-battery'
const revealed = ({ username, password, mutual }: Chap) => ({
  username,
  password: password.reveal(),
  mutual: mutual && { username: mutual.username, password: mutual.password.reveal() },
})

describe('no way of printing shows a secret', () => {
  const secret = new Secret(PASSWORD)
  const chap = parseChap(`username = u\npassword = ${PASSWORD}`)
  test.each<[string, () => string]>([
    ['a template', () => `${String(secret)} ${String(chap.password)}`],
    ['a join', () => [secret, 'x'].join(' ')],
    ['JSON', () => JSON.stringify({ secret, chap })],
    ['inspect', () => inspect({ secret, chap }, { depth: null, showHidden: true })],
    ['format', () => format('%s %o %O %j', secret, secret, chap, chap)],
    ['its own keys', () => JSON.stringify([Object.entries(secret), Object.getOwnPropertyNames(secret)])],
    ['a clone', () => inspect(structuredClone(Object.assign({}, chap.password)))],
    ['a cause', () => inspect(new LunkeeperError('CHAP_FAILED', 'x', { cause: chap, details: { chap } }))],
  ])('%s', (_, print) => {
    expect(print()).not.toContain(PASSWORD)
  })

  test('the one way that does is called reveal', () => {
    expect(secret.reveal()).toBe(PASSWORD)
  })
})

describe('parseChap reads a file', () => {
  test.each([
    ['plain', 'username = u\npassword = p\n'],
    ['with colons', 'username: u\npassword: p'],
    ['as open-iscsi writes it', 'node.session.auth.username = u\nnode.session.auth.password = p'],
    [
      'with its method, comments and blank lines',
      '# ours\n\nnode.session.auth.authmethod = CHAP\nusername=u\n  \npassword=p',
    ],
    ['with Windows line ends', 'username = u\r\npassword = p\r\n'],
  ])('%s', (_, text) => {
    expect(revealed(parseChap(text))).toEqual({ username: 'u', password: 'p', mutual: null })
  })

  test('a password may have every character but those at its ends', () => {
    const text = 'a = b: "c" #d \\ \' $e ü'
    expect(revealed(parseChap(`username = u\npassword =  ${text}  `)).password).toBe(text)
  })

  test('the secrets of mutual CHAP are read, too', () => {
    expect(
      revealed(parseChap('username = u\npassword = p\nusername_in = t\npassword_in = q')).mutual,
    ).toEqual({ username: 't', password: 'q' })
  })
})

describe('parseChap refuses a file', () => {
  test.each([
    ['nothing', ''],
    ['no password', 'username = u'],
    ['no user name', `password = ${PASSWORD}`],
    ['an empty password', 'username = u\npassword ='],
    ['a password of blanks', 'username = u\npassword =   '],
    ['two passwords', `username = u\npassword = p\npassword = ${PASSWORD}`],
    [
      'the same password twice',
      `username = u\npassword = ${PASSWORD}\nnode.session.auth.password = ${PASSWORD}`,
    ],
    ['a password on a line of its own', `username = u\n${PASSWORD}`],
    ['a key that is none', `username = u\npassword = p\nsecret = ${PASSWORD}`],
    ['a key of discovery', `username = u\npassword = p\ndiscovery.sendtargets.auth.password = ${PASSWORD}`],
    ['half of mutual', `username = u\npassword = p\npassword_in = ${PASSWORD}`],
    [
      'one secret for both',
      `username = u\npassword = ${PASSWORD}\nusername_in = t\npassword_in = ${PASSWORD}`,
    ],
    ['256 characters', `username = u\npassword = ${PASSWORD.padEnd(256, 'x')}`],
    ['256 bytes in fewer characters', `username = u\npassword = ${PASSWORD}${'ü'.repeat(120)}`],
    ['a carriage return within', `username = u\npassword = ${PASSWORD}\rnode.x = y`],
    ['a NUL', `username = u\npassword = ${PASSWORD}\0`],
  ])('%s', (_, text) => {
    expect(codeOf(() => parseChap(text))).toBe('BAD_CHAP')
  })

  test('the message never quotes the file', () => {
    const line = fc.oneof(
      fc.constantFrom('username = u', 'password = p', 'username_in = t'),
      fc
        .constantFrom('', 'password = ', 'password', 'secret = ', 'password_in = ')
        .map((key) => key + PASSWORD),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        expect(messageOf(() => parseChap(lines.join('\n'))) ?? '').not.toContain(PASSWORD)
      }),
    )
  })
})

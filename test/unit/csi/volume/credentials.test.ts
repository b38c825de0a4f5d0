import { describe, expect, it } from 'vitest'

import { credentialsOf } from '../../../../src/csi/volume/credentials.ts'
import { codeOf } from '../../model/code-of.ts'

const PREFIX = 'node.session.auth.'
const own = { [`${PREFIX}username`]: 'node-a', [`${PREFIX}password`]: 'TopSecret-0123' }
const mutual = { [`${PREFIX}username_in`]: 'san', [`${PREFIX}password_in`]: 'Other-4567' }

describe('CHAP of a CSI call', () => {
  it('a volume without a secret has no credentials', () => expect(credentialsOf({}, {})).toBeNull())

  it('one-way and mutual CHAP are read from the keys of iscsi.csi.k8s.io', () => {
    expect(credentialsOf(own, {})).toMatchObject({ username: 'node-a', mutual: null })
    const both = credentialsOf({ ...own, ...mutual }, {})
    expect(both?.mutual?.username).toBe('san')
    expect(both?.password.reveal()).toBe('TopSecret-0123')
  })

  it('a line break at the end is not part of a secret', () =>
    expect(credentialsOf({ ...own, [`${PREFIX}password`]: 'abc\n' }, {})?.password.reveal()).toBe('abc'))

  it('empty keys count as absent: one-way CHAP, or none', () => {
    const empty = { [`${PREFIX}username_in`]: '', [`${PREFIX}password_in`]: '\n' }
    expect(credentialsOf({ ...own, ...empty }, {})).toMatchObject({ username: 'node-a', mutual: null })
    expect(credentialsOf(empty, {})).toBeNull()
    expect(credentialsOf({}, { secret: JSON.stringify({ ...own, ...empty }) })?.mutual).toBeNull()
  })

  it('the attribute of the old driver is used if the call has no secret', () => {
    const attributes = { secret: JSON.stringify(own) }
    expect(credentialsOf({}, attributes)?.username).toBe('node-a')
    expect(credentialsOf({ ...own, [`${PREFIX}username`]: 'other' }, attributes)?.username).toBe('other')
  })

  it('secrets for discovery are ignored', () =>
    expect(
      credentialsOf({ 'node.sendtargets.auth.username': 'x', 'node.sendtargets.auth.password': 'y' }, {}),
    ).toBeNull())

  it.each([
    ['half a pair', { [`${PREFIX}username`]: 'node-a' }, {}],
    ['half a pair, the other half empty', { ...own, [`${PREFIX}password`]: '' }, {}],
    ['half a mutual pair, the other half empty', { ...own, ...mutual, [`${PREFIX}username_in`]: '' }, {}],
    ['the same secret both ways', { ...own, ...mutual, [`${PREFIX}password_in`]: 'TopSecret-0123' }, {}],
    [
      'a line break inside',
      { ...own, [`${PREFIX}password`]: 'TopSecret-0123\nnode.startup = automatic' },
      {},
    ],
    ['an attribute that is not JSON', {}, { secret: 'TopSecret-0123' }],
    ['an attribute that is not an object of strings', {}, { secret: '{"a":{"b":"TopSecret-0123"}}' }],
  ])('refused without being quoted: %s', (_, secrets, attributes) => {
    const work = () => credentialsOf(secrets, attributes)
    expect(codeOf(work)).toBe('BAD_CHAP')
    expect(work).toThrow(expect.not.objectContaining({ message: expect.stringContaining('TopSecret') }))
  })
})

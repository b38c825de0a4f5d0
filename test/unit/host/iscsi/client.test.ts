import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { listLuns } from '../../../../src/host/iscsi/client/luns.ts'
import { listPortals } from '../../../../src/host/iscsi/client/portals.ts'
import { Secret } from '../../../../src/model/secret.ts'
import { IQN, serve } from './fake-target.ts'

const CHAP = { username: 'me', password: new Secret('twelve-chars'), mutual: null }
const MUTUAL = { ...CHAP, mutual: { username: 'storage', password: new Secret('its-own-secret') } }

describe('a connection of our own to a target', () => {
  const LUNS = { 5: 'aaaa5', 300: 'aaaa300' }
  const SEEN = [
    { lun: 5, wwid: null, serial: 'aaaa5' },
    { lun: 300, wwid: null, serial: 'aaaa300' },
  ]

  test('lists the LUNs and the identity of each', async () => {
    expect(await listLuns(await serve({ luns: LUNS }))).toEqual(SEEN)
  })

  test('accepts answers that arrive byte by byte', async () => {
    expect(await listLuns(await serve({ luns: LUNS, piece: 1 }))).toEqual(SEEN)
  })

  test('reads a VPD page of more than 255 bytes to its end, where the name of the volume may be', async () => {
    const vendor = Buffer.concat([Buffer.of(1, 0, 0, 200), Buffer.alloc(200, 0x41)])
    const naa = Buffer.from('010300106001405e300000000000000000000000', 'hex')
    const body = Buffer.concat([vendor, vendor, naa])
    const page83 = Buffer.concat([Buffer.of(0, 0x83, body.length >> 8, body.length & 0xff), body])
    expect(await listLuns(await serve({ luns: { 5: 'aaaa5' }, page83 }))).toEqual([
      { lun: 5, wwid: 'naa.6001405e300000000000000000000000', serial: 'aaaa5' },
    ])
  })

  test('is not begun if its signal has been aborted already', async () => {
    const who = { ...(await serve({ luns: LUNS })), signal: AbortSignal.abort() }
    await expect(listLuns(who)).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('accepts no more bytes than it asked for: a target that continues to send is refused', async () => {
    const who = await serve({ luns: LUNS, surplus: 64 << 10 })
    await expect(listLuns(who)).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
  })

  test('authenticates itself if the target asks for it; a wrong secret is CHAP_FAILED', async () => {
    const who = { ...(await serve({ luns: LUNS, secret: 'twelve-chars' })), chap: CHAP }
    expect(await listLuns(who)).toEqual(SEEN)
    const wrong = { ...(await serve({ luns: LUNS, secret: 'another-one' })), chap: CHAP }
    await expect(listLuns(wrong)).rejects.toMatchObject({ code: 'CHAP_FAILED' })
  })

  test('a target that is not available now is TARGET_AWAY, one that rejects the login is LOGIN_FAILED', async () => {
    await expect(listLuns(await serve({ status: [3, 1] }))).rejects.toMatchObject({ code: 'TARGET_AWAY' })
    await expect(listLuns(await serve({ status: [2, 3] }))).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
  })

  test.each([
    ['a connection that ends at once', Buffer.alloc(0), 'TARGET_AWAY'],
    [
      'a web server',
      Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'.padEnd(96)),
      'LOGIN_FAILED',
    ],
    ['an impossible length', Buffer.alloc(48, 0xff), 'LOGIN_FAILED'],
  ])('%s ends it with an error', async (_, noise, code) => {
    await expect(listLuns(await serve({ noise }))).rejects.toMatchObject({ code: code })
  })

  test('lists the addresses of one target out of many', async () => {
    const { target: _, ...who } = await serve({
      targets: [
        ['TargetName', 'iqn.2026-01.test:other'],
        ['TargetAddress', '10.0.0.1:3260,1'],
        ['TargetName', IQN],
        ['TargetAddress', '10.0.0.2:3260,1'],
        ['TargetAddress', '[fd00::2]:3261,2'],
      ],
    })
    expect(await listPortals(who, IQN)).toEqual([
      { host: '10.0.0.2', port: 3260 },
      { host: 'fd00::2', port: 3261 },
    ])
  })

  test('a target that is listed without an address is at the portal that was asked; an invalid address hides no other', async () => {
    const { target: _, ...who } = await serve({ targets: [['TargetName', IQN]] })
    expect(await listPortals(who, IQN)).toEqual([who.portal])
    const { target: _odd, ...odd } = await serve({
      targets: [
        ['TargetName', IQN],
        ['TargetAddress', '[not an address]:x'],
        ['TargetAddress', '10.0.0.2:3260,1'],
      ],
    })
    expect(await listPortals(odd, IQN)).toEqual([{ host: '10.0.0.2', port: 3260 }])
  })
})

describe('a list of targets that comes in parts', () => {
  const addresses = Array.from({ length: 200 }, (_, n) => ({ host: `10.0.${n >> 7}.${n & 127}`, port: 3260 }))
  const targets = [
    ['TargetName', IQN],
    ...addresses.map(({ host }) => ['TargetAddress', `${host}:3260,1`] as const),
  ] as const
  const length = targets.reduce((sum, [key, value]) => sum + key.length + value.length + 2, 0)
  const cuts = fc
    .uniqueArray(fc.integer({ min: 0, max: length }), { maxLength: 12 })
    .map((at) => at.toSorted((a, b) => a - b))

  test.each([true, false])('is read completely, wherever it is divided (cut: %s)', async (cut) => {
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const { target: _, ...who } = await serve({ targets, parts: { at, cut } })
        expect(await listPortals(who, IQN)).toEqual(addresses)
      }),
      { numRuns: 20 },
    )
  })

  test('a list of targets that never ends is abandoned', async () => {
    const { target: _, ...who } = await serve({ targets, parts: { at: [], cut: true, endless: true } })
    await expect(listPortals(who, IQN)).rejects.toMatchObject({
      code: 'LOGIN_FAILED',
      message: expect.stringContaining('does not complete'),
    })
  })
})

describe('CHAP over our own connection', () => {
  const LUNS = { 5: 'aaaa5' }

  test.each([
    ['SHA3-256', '8', 'sha3-256'],
    ['SHA256', '7', 'sha256'],
    ['SHA1', '6', 'sha1'],
    ['MD5', '5', 'md5'],
  ] as const)('uses %s if the site lists it', async (name, number, hash) => {
    const heard: string[] = []
    const who = await serve({
      luns: LUNS,
      secret: 'twelve-chars',
      algorithm: [number, hash],
      hears: (keys) => heard.push(keys.get('CHAP_A') ?? ''),
    })
    const algorithms = name === 'MD5' ? (['SHA256', 'MD5'] as const) : ([name, 'MD5'] as const)
    expect(await listLuns({ ...who, chap: CHAP, algorithms })).toHaveLength(1)
    expect(heard.find((offer) => offer !== '')?.split(',')).toContain(number)
  })

  test('offers algorithms in the order of the site, and accepts none that it did not offer', async () => {
    const heard: string[] = []
    const who = await serve({
      secret: 'twelve-chars',
      hears: (keys) => heard.push(keys.get('CHAP_A') ?? '', keys.get('CHAP_R') ?? ''),
    })
    const algorithms = ['SHA3-256', 'SHA256'] as const
    await expect(listLuns({ ...who, chap: CHAP, algorithms })).rejects.toMatchObject({ code: 'CHAP_FAILED' })
    expect(heard.filter((text) => text !== '')).toEqual(['8,7'])
  })

  test('requires the target to authenticate itself if there is a secret for it', async () => {
    const proving = {
      luns: LUNS,
      secret: 'twelve-chars',
      mutual: { name: 'storage', secret: 'its-own-secret' },
    }
    expect(await listLuns({ ...(await serve(proving)), chap: MUTUAL })).toHaveLength(1)
  })

  test.each([
    ['does not authenticate itself', undefined],
    ['uses another name', { name: 'other', secret: 'its-own-secret' }],
    ['uses another secret', { name: 'storage', secret: 'a-guess' }],
    ["uses this node's own secret", { name: 'storage', secret: 'twelve-chars' }],
  ])('nothing more is sent to a target that %s', async (_, mutual) => {
    const heard: string[] = []
    const who = await serve({
      luns: LUNS,
      secret: 'twelve-chars',
      ...(mutual ? { mutual } : {}),
      hears: (keys) => heard.push([...keys.keys()].join()),
    })
    await expect(listLuns({ ...who, chap: MUTUAL })).rejects.toMatchObject({ code: 'CHAP_FAILED' })
    expect(heard.at(-1)).toContain('CHAP_R')
  })

  test('a target that does not ask for CHAP is refused if there are credentials for it', async () => {
    await expect(listLuns({ ...(await serve({ luns: LUNS })), chap: CHAP })).rejects.toMatchObject({
      code: 'CHAP_FAILED',
    })
  })
})

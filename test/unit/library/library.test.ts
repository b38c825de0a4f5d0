import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'

import { describe, expect, it, onTestFinished } from 'vitest'

import type { AttachOptions, Host } from '../../../src/index.ts'
import {
  attach,
  detach,
  doctor,
  explain,
  hold,
  openHost,
  parseChap,
  Secret,
  setHold,
  volume,
  volumes,
} from '../../../src/index.ts'
import { attachInput } from '../../../src/library/attach.ts'
import { chapFrom } from '../../../src/library/chap.ts'
import { engineOptions } from '../../../src/library/options.ts'
import { volumeRequest } from '../../../src/library/volume-request.ts'
import { parseName } from '../../../src/model/name.ts'
import { temporary } from '../temporary.ts'

const VOLUME = { portal: '10.9.0.1', iqn: 'iqn.2026-11.example:san', lun: 17 } as const

/** A node without volumes, in a separate directory. */
function emptyNode(): Host {
  const places = temporary()
  mkdirSync(join(places, 'records/volumes'), { recursive: true })
  const host = openHost({ records: join(places, 'records'), runtime: join(places, 'runtime') })
  onTestFinished(() => host[Symbol.asyncDispose]())
  return host
}

describe('the options of a volume', () => {
  it('three are enough; everything else is left to the engine and its defaults', () => {
    expect(volumeRequest(VOLUME)).toEqual({
      name: null,
      iqn: VOLUME.iqn,
      portals: [{ host: '10.9.0.1', port: 3260 }],
      lun: 17,
      expected: { wwid: null, serial: null },
      hold: { wanted: null, mode: null },
      use: { mount: null, fs: null, format: false, readOnly: false, options: [] },
    })
  })

  it('all of them reach the request, parsed', () => {
    expect(
      volumeRequest({
        ...VOLUME,
        portal: ['10.9.0.1:3261', 'fd00::5'],
        lun: '17',
        name: 'orders',
        wwid: '36001405aaaaaaaaaaaaaaaaaaaaaaaaa',
        serial: '5a400011',
        hold: '10m',
        holdMode: 'map',
        mount: '/mnt/orders',
        fs: 'xfs',
        format: true,
        mountOptions: ['noatime'],
        shared: true,
      }),
    ).toEqual({
      name: 'orders',
      iqn: VOLUME.iqn,
      portals: [
        { host: '10.9.0.1', port: 3261 },
        { host: 'fd00::5', port: 3260 },
      ],
      lun: 17,
      expected: { wwid: 'naa.6001405aaaaaaaaaaaaaaaaaaaaaaaaa', serial: '5a400011' },
      hold: { wanted: 600, mode: 'map' },
      use: { mount: '/mnt/orders', fs: 'xfs', format: true, readOnly: false, options: ['noatime'] },
      shared: true,
    })
  })

  it('readOnly reaches the request', () => {
    expect(volumeRequest({ ...VOLUME, readOnly: true }).use).toMatchObject({ readOnly: true })
  })

  it.each([
    [90, 90],
    ['90', 90],
    ['2h', 7200],
    ['forever', 'forever'],
  ] as const)('a hold of %j is %j', (given, seconds) => {
    expect(volumeRequest({ ...VOLUME, hold: given }).hold.wanted).toBe(seconds)
  })

  it.each([
    ['BAD_PORTAL', { portal: '10.9.0.999' }],
    ['BAD_PORTAL', { portal: ['10.9.0.1', ''] }],
    ['BAD_REQUEST', { portal: [] }],
    ['BAD_IQN', { iqn: 'san' }],
    ['BAD_LUN', { lun: -1 }],
    ['BAD_LUN', { lun: 1.5 }],
    ['BAD_LUN', { lun: '0x11' }],
    ['BAD_NAME', { name: 'a/b' }],
    ['BAD_WWID', { wwid: '6001405' }],
    ['BAD_HOLD', { hold: -1 }],
    ['BAD_HOLD', { hold: 1.5 }],
    ['BAD_HOLD', { hold: '10 minutes' }],
    ['BAD_MOUNT', { mount: 'mnt' }],
    ['BAD_REQUEST', { holdMode: 'kernel' }],
    ['BAD_REQUEST', { mount: '/mnt/a', fs: 'btrfs' }],
    ['BAD_REQUEST', { format: true }],
    ['BAD_CHAP', { chap: { username: 'u', password: 'same', mutual: { username: 'v', password: 'same' } } }],
    // As plain JavaScript, or a parsed file, can pass it.
    ['BAD_REQUEST', { iqn: undefined }],
    ['BAD_REQUEST', { readonly: true }],
    ['BAD_REQUEST', { portals: ['10.9.0.1'] }],
    ['BAD_REQUEST', { readOnly: 'no' }],
    ['BAD_REQUEST', { mount: null }],
    ['BAD_REQUEST', { mountOptions: 'noatime' }],
    ['BAD_REQUEST', { chap: { username: 'u', secret: 'p' } }],
    ['BAD_REQUEST', { signal: new AbortController() }],
    ['BAD_REQUEST', { onStep: {} }],
  ])('attach refuses with %s: %j', async (code, change) => {
    const options = { ...VOLUME, ...change } as unknown as AttachOptions
    await expect(attach(emptyNode(), options)).rejects.toMatchObject({ name: 'LunkeeperError', code })
  })

  it('an option that does not exist is named, with those that do', async () => {
    await expect(attach(emptyNode(), { ...VOLUME, takeover: true } as AttachOptions)).rejects.toMatchObject({
      message: '"takeover" is not an option of attach',
      hint: expect.stringContaining('takeOver'),
    })
  })
})

describe('what the engine is given', () => {
  const { signal } = new AbortController()

  it('has the credentials, the signal and the takeover that were asked for', () => {
    const chap = { username: 'node1', password: 'open sesame' }
    const { engine } = attachInput({ ...VOLUME, chap, takeOver: true, signal })
    expect(engine).toMatchObject({ takesOver: true, signal, chap: { username: 'node1' } })
    expect(engine.chap?.password.reveal()).toBe('open sesame')
  })

  it('takes no volume from another node by default', () => {
    expect(attachInput(VOLUME).engine).toMatchObject({ takesOver: false })
    expect(attachInput(VOLUME).engine.chap).toBeUndefined()
  })
})

describe('CHAP', () => {
  it('is given as strings or secrets, or as what parseChap returns, and printing it shows no password', () => {
    const chap = chapFrom({
      username: 'node1',
      password: 'open sesame',
      mutual: { username: 'array', password: new Secret('close sesame') },
    })
    expect([chap.password.reveal(), chap.mutual?.password.reveal()]).toEqual(['open sesame', 'close sesame'])
    expect(inspect(chap, { depth: 9 }) + JSON.stringify(chap)).not.toContain('sesame')
    const parsed = parseChap('username = node1\npassword = open sesame')
    expect(chapFrom(parsed)).toMatchObject({ username: 'node1', mutual: null })
    expect(chapFrom(parsed).password.reveal()).toBe('open sesame')
  })
})

describe('an operation', () => {
  it('reports each step when it begins and when it is done, and waits for the callback', async () => {
    const seen: unknown[] = []
    const { observer } = engineOptions({
      onStep: async (event) => {
        await Promise.resolve()
        seen.push(event)
      },
      onWarning: (message, volume) => seen.push([message, volume]),
    })
    const name = parseName('orders')
    await observer.begin?.(name, 'scan', '10.9.0.1:3260')
    expect(seen).toHaveLength(1)
    await observer.end?.(name, 'scan', '10.9.0.1:3260', 7)
    observer.warn?.(name, 'slow')
    const step = { volume: 'orders', step: 'scan', subject: '10.9.0.1:3260' }
    expect(seen).toEqual([
      { ...step, state: 'begin', milliseconds: null },
      { ...step, state: 'done', milliseconds: 7 },
      ['slow', 'orders'],
    ])
  })

  it('takes a host first, or opens one: both find the same error', async () => {
    const name = 'no-such-volume-here'
    await expect(volume(emptyNode(), name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(volume(name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(hold(emptyNode(), name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it.each([
    ['detach', (host: Host) => detach(host, undefined as unknown as string)],
    ['detach', (host: Host) => detach(host, '')],
    ['detach', (host: Host) => detach(host, 'orders', { forced: true } as object)],
    ['hold', (host: Host) => hold(host, 17 as unknown as string)],
    ['setHold', (host: Host) => setHold(host, 'orders', {} as string)],
    ['doctor', (host: Host) => doctor(host, { fix: 'yes' } as object)],
    ['explain', () => explain([])],
    ['explain', () => explain(null, { now: new Date('never') })],
  ])('refuses an argument of another type: %s', async (name, call) => {
    const error = await call(emptyNode()).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'BAD_REQUEST', message: expect.stringContaining(name) })
  })
})

describe('volumes', () => {
  it('is empty on a node without volumes', async () => {
    expect(await volumes(emptyNode())).toEqual([])
  })

  it('warns of a record that cannot be parsed', async () => {
    const host = emptyNode()
    writeFileSync(join(host.places.records, 'volumes/torn.json'), '{')
    const warnings: unknown[] = []
    expect(await volumes(host, { onWarning: (message, name) => warnings.push([message, name]) })).toEqual([])
    expect(warnings).toEqual([[expect.stringContaining('torn.json'), null]])
  })
})

describe('openHost', () => {
  it('has the hold that is given for volumes that set none', () => {
    expect(openHost({ hold: '2h', holdMode: 'map' }).hold).toEqual({ wanted: 7200, mode: 'map' })
    expect(openHost().hold).toEqual({ wanted: 600, mode: 'auto' })
  })

  it.each([
    ['BAD_HOLD', { hold: 'long' }],
    ['BAD_REQUEST', { holdMode: 'kernel' }],
    ['BAD_REQUEST', { places: {} }],
    ['BAD_REQUEST', { records: 'records' }],
  ])('refuses with %s: %j', (code, options) => {
    expect(() => openHost(options as object)).toThrow(expect.objectContaining({ code }) as Error)
  })
})

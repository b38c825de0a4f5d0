import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { login } from '../../../../src/host/iscsi/login.ts'
import { logout } from '../../../../src/host/iscsi/logout.ts'
import { reachPortal, resolvePortal } from '../../../../src/host/iscsi/reach.ts'
import { parsePortal } from '../../../../src/model/portal.ts'
import { parseChap } from '../../../../src/model/secret.ts'
import { session } from '../../model/plan/facts.ts'
import { rootWith } from './root.ts'

const { iqn } = session
const portal = session.portal!
const settings = { recovery: 600, chap: parseChap('username = me\npassword = correct-horse') } as const
const ours = { path: '/x', ours: true, iface: null } as const

describe('a login', () => {
  test('with our record names one target at one portal, and no secret', async () => {
    const host = rootWith()
    await login(host, iqn, portal, ours, settings)
    expect(host.asked).toEqual([['iscsiadm', '-m', 'node', '-T', iqn, '-p', '10.0.0.5:3260', '-l']])
  })

  test("with another program's record uses a copy, in a private mount namespace, and removes it", async () => {
    const host = rootWith({ record: 'node.name = x\nnode.session.scan = auto\n' })
    const path = join(host.root, 'record')
    let overlay = ''
    const watched = {
      ...host,
      run: async (...call: Parameters<typeof host.run>) => {
        overlay = readFileSync(
          call[1].find((arg) => arg.includes('/overlays/'))!,
          'utf8',
        )
        return host.run(...call)
      },
    }
    await login(watched, iqn, portal, { path, ours: false, iface: 'default' }, settings)
    const [asked] = host.asked
    expect(asked!.slice(0, 4)).toEqual(['unshare', '--mount', '--propagation', 'private'])
    expect(asked!.slice(-9)).toEqual(['-m', 'node', '-T', iqn, '-p', '10.0.0.5:3260', '-I', 'default', '-l'])
    expect(asked!.join(' ')).not.toContain('correct-horse')
    expect(overlay).toContain('node.session.scan = manual')
    expect(readdirSync(join(host.places.runtime, 'overlays'))).toEqual([])
    expect(readFileSync(path, 'utf8')).toContain('node.session.scan = auto')
  })

  test('at the same time as others reads its own portal and secret', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(1_790_000_000_000)
    onTestFinished(() => void vi.restoreAllMocks())
    const records = Array.from({ length: 8 }, (_, n) => `node.conn[0].address = 10.0.0.${n}\n`)
    const host = rootWith(Object.fromEntries(records.map((text, n) => [`record${n}`, text])))
    const { promise: all, resolve } = Promise.withResolvers<void>()
    const seen: string[] = []
    const watched = {
      ...host,
      run: async (...call: Parameters<typeof host.run>) => {
        const overlay = call[1].find((arg) => arg.includes('/overlays/'))!
        seen.push(overlay)
        if (seen.length === records.length) resolve()
        await all
        expect(statSync(overlay).mode & 0o777).toBe(0o600)
        expect(readFileSync(overlay, 'utf8')).toContain(records[Number(call[1].find(isRecord)?.slice(-1))])
        throw new Error('iscsiadm could not be started')
      },
    }
    const isRecord = (arg: string) => /record\d$/.test(arg)
    const logins = records.map((_, n) =>
      login(
        watched,
        iqn,
        portal,
        { path: join(host.root, `record${n}`), ours: false, iface: null },
        settings,
      ),
    )
    const ended = await Promise.allSettled(logins)
    expect(new Set(ended.map((one) => one.status === 'rejected' && one.reason.message))).toEqual(
      new Set(['iscsiadm could not be started']),
    )
    expect(new Set(seen).size).toBe(records.length)
    expect(readdirSync(join(host.places.runtime, 'overlays'))).toEqual([])
  })

  test('succeeds if another login was faster', async () => {
    await expect(login(rootWith({}, { code: 15 }), iqn, portal, ours, settings)).resolves.toBeUndefined()
  })

  test.each([
    [24, 'CHAP_FAILED'],
    [19, 'TARGET_NOT_FOUND'],
    [8, 'PORTAL_SILENT'],
    [4, 'PORTAL_UNREACHABLE'],
    [20, 'ISCSID_DOWN'],
    [12, 'MODULE_MISSING'],
    [13, 'NO_PERMISSION'],
    [6, 'DATABASE_FAILED'],
    [5, 'LOGIN_FAILED'],
    [99, 'LOGIN_FAILED'],
  ])('that ends with %d is %s, with the reason that iscsiadm printed', async (code, meaning) => {
    const host = rootWith(
      {},
      { code, stderr: 'iscsiadm: something\niscsiadm: initiator reported error (the reason)' },
    )
    const plain = { ...settings, chap: null }
    await expect(login(host, iqn, portal, ours, plain)).rejects.toMatchObject({
      code: meaning,
      message: expect.stringContaining('reported error (the reason)'),
    })
  })

  test('is repeated if another program removed a record while iscsiadm searched for ours', async () => {
    const host = rootWith()
    const codes = [6, 6, 0]
    const run: typeof host.run = async (...call) => ({ ...(await host.run(...call)), code: codes.shift()! })
    await login({ ...host, run }, iqn, portal, ours, settings)
    expect(codes).toEqual([])
    await expect(login(rootWith({}, { code: 6 }), iqn, portal, ours, settings)).rejects.toMatchObject({
      code: 'DATABASE_FAILED',
    })
  })

  test('that iscsid aborted, with CHAP configured, is CHAP_FAILED', async () => {
    const host = rootWith({}, { code: 19 })
    await expect(login(host, iqn, portal, ours, settings)).rejects.toMatchObject({ code: 'CHAP_FAILED' })
  })

  test('is ISCSID_DOWN if a broken pipe ended iscsiadm', async () => {
    const host = rootWith({}, { code: null, signal: 'SIGPIPE' })
    await expect(login(host, iqn, portal, ours, settings)).rejects.toMatchObject({ code: 'ISCSID_DOWN' })
  })
})

describe('a logout', () => {
  test('ends one session, by its number', async () => {
    const host = rootWith()
    await logout(host, 7)
    expect(host.asked).toEqual([['iscsiadm', '-m', 'session', '-r', '7', '-u']])
  })

  test.each([2, 21, 32])('that ends with %d succeeds: the session is gone', async (code) => {
    await expect(logout(rootWith({}, { code }), 7)).resolves.toBeUndefined()
  })

  test.each([0, 32])(
    'that ends with %d waits until the kernel has removed the session, and is LEFT_BEHIND where it stays',
    async (code) => {
      const there = { 'sys/class/iscsi_session/session7/state': 'FAILED\n' }
      const goes = rootWith(there, { code })
      const ended = logout(goes, 7)
      await vi.waitFor(() => expect(goes.asked).toHaveLength(1))
      rmSync(join(goes.paths.sys, 'class/iscsi_session/session7'), { recursive: true })
      await expect(ended).resolves.toBeUndefined()
      const stays = logout(rootWith(there, { code }), 7)
      const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000)
      await expect(stays).rejects.toMatchObject({ code: 'LEFT_BEHIND' })
      clock.mockRestore()
    },
  )

  test.each([2, 21])(
    'that ends with %d is tried again while the session is there: iscsid was just started',
    async (code) => {
      const host = rootWith({ 'sys/class/iscsi_session/session7/state': 'FAILED\n' }, { code })
      const ended = logout(host, 7)
      await vi.waitFor(() => expect(host.asked.length).toBeGreaterThan(1))
      rmSync(join(host.paths.sys, 'class/iscsi_session/session7'), { recursive: true })
      await expect(ended).resolves.toBeUndefined()
    },
  )

  test('that failed is LEFT_BEHIND, unless the session has ended', async () => {
    const there = { 'sys/class/iscsi_session/session7/state': 'LOGGED_IN\n' }
    await expect(logout(rootWith(there, { code: 10 }), 7)).rejects.toMatchObject({ code: 'LEFT_BEHIND' })
    await expect(logout(rootWith({}, { code: 10 }), 7)).resolves.toBeUndefined()
  })

  test('that is stopped while a first login is in progress is CANCELLED', async () => {
    const host = rootWith({ 'sys/class/iscsi_session/session7/state': 'FREE\n' }, { code: 9 })
    const stop = new AbortController()
    const ended = logout(host, 7, stop.signal)
    await vi.waitFor(() => expect(host.asked).toHaveLength(1))
    stop.abort()
    await expect(ended).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})

describe('a portal', () => {
  test('that listens is reachable; one that does not is PORTAL_REFUSED', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const { port } = server.address() as AddressInfo
    await expect(reachPortal({ host: '127.0.0.1', port })).resolves.toBeUndefined()
    await new Promise((resolve) => server.close(resolve))
    await expect(reachPortal({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'PORTAL_REFUSED' })
  })

  test('resolvePortal keeps an address, resolves a name, and reports a name that does not resolve', async () => {
    expect(await resolvePortal(portal)).toEqual(portal)
    expect(await resolvePortal(parsePortal('[fd00::5]:860'))).toEqual({ host: 'fd00::5', port: 860 })
    expect((await resolvePortal(parsePortal('localhost'))).host).toMatch(/^(127\.0\.0\.1|::1)$/)
    await expect(resolvePortal(parsePortal('nothing.invalid'))).rejects.toMatchObject({
      code: 'PORTAL_UNREACHABLE',
    })
  })

  test('that does not answer can be abandoned', async () => {
    const stop = new AbortController()
    // An address for documentation (RFC 5737): it does not answer, or the machine has no route to it.
    const reaching = reachPortal({ host: '192.0.2.1', port: 3260 }, stop.signal)
    stop.abort()
    await expect(reaching).rejects.toMatchObject({
      code: expect.stringMatching(/^(CANCELLED|PORTAL_UNREACHABLE)$/),
    })
  })
})

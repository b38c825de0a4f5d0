import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Lab, type LabNode } from '../../lab/index.ts'
import { kernels } from '../kernel/node.ts'
import { login, scan, sessionState } from './login.ts'

describe.each(kernels('trixie'))(
  'targets and an initiator in one kernel (%s)',
  { timeout: 60_000 },
  (debian) => {
    let lab: Lab
    let node: LabNode
    beforeAll(async () => {
      lab = await Lab.open()
      node = await lab.boot({ debian })
    }, 300_000)
    afterEach(() => node.reset(), 60_000)
    afterAll(() => lab.close())

    test('a login with scan=manual brings no disk, and a scan of one LUN brings that one', async () => {
      const target = await node.lio.target()
      await target.mapMany([0, 1, 5].map((lun) => ({ lun, serial: `00${lun}abc`, bytes: 32 << 20 })))
      expect(await login(node, target)).toMatchObject({ code: 0 })
      expect((await node.storage()).disks).toEqual([])
      const disk = await scan(node, 5)
      expect((await node.storage()).disks).toEqual([disk])
      expect(await node.sh(`sg_inq -p 0x80 -r /dev/${disk} | tail -c +5`)).toContain('005abc')
      expect(await node.read(`/sys/block/${disk}/device/wwid`)).toContain('naa.6001405005abc')
      expect(await node.read(`/sys/block/${disk}/size`)).toBe(`${(32 << 20) / 512}\n`)
    })

    test('256 LUNs are made in less than three seconds', async () => {
      const target = await node.lio.target()
      const start = performance.now()
      await target.mapMany(
        Array.from({ length: 256 }, (_, lun) => ({ lun, serial: `cafe${lun.toString(16)}` })),
      )
      expect(performance.now() - start).toBeLessThan(3000)
      await login(node, target)
      const disk = await scan(node, 255)
      expect(await node.read(`/sys/block/${disk}/device/vpd_pg80`)).toContain('cafeff')
    })

    test('CHAP lets in only an initiator that knows the secret', async () => {
      const target = await node.lio.target({ chap: { user: 'alice', password: 'alices-secret' } })
      const known = { 'node.session.auth.authmethod': 'CHAP', 'node.session.auth.username': 'alice' }
      expect((await login(node, target)).code).toBe(24)
      expect(
        (await login(node, target, undefined, { ...known, 'node.session.auth.password': 'not-the-secret' }))
          .code,
      ).toBe(24)
      expect(
        (await login(node, target, undefined, { ...known, 'node.session.auth.password': 'alices-secret' }))
          .code,
      ).toBe(0)
    })

    test('mutual CHAP: a target that cannot prove itself is refused by the initiator', async () => {
      const target = await node.lio.target({
        acls: [
          {
            initiator: node.initiator,
            chap: { user: 'alice', password: 'alices-secret' },
            mutual: { user: 'tina', password: 'tinas-secret-1' },
          },
        ],
      })
      const known = {
        'node.session.auth.authmethod': 'CHAP',
        'node.session.auth.username': 'alice',
        'node.session.auth.password': 'alices-secret',
        'node.session.auth.username_in': 'tina',
      }
      expect(
        (
          await login(node, target, undefined, {
            ...known,
            'node.session.auth.password_in': 'not-tinas-secret',
          })
        ).code,
      ).not.toBe(0)
      expect(
        (
          await login(node, target, undefined, {
            ...known,
            'node.session.auth.password_in': 'tinas-secret-1',
          })
        ).code,
      ).toBe(0)
    })

    test('ACLs let in the named initiator only, and a LUN can be read only for it', async () => {
      const other = await node.lio.target({ acls: [{ initiator: 'iqn.2026-01.dev.lunkeeper:another' }] })
      expect((await login(node, other)).code).toBe(24)
      const target = await node.lio.target({
        acls: [{ initiator: node.initiator }],
        portals: ['127.0.0.2:3260'],
      })
      await target.map(1, { readOnly: true })
      expect((await login(node, target)).code).toBe(0)
      expect(await node.read(`/sys/block/${await scan(node, 1)}/ro`)).toBe('1\n')
    })

    test('portals: IPv4, a second address and IPv6', async () => {
      const portals = ['127.0.0.1:3260', '127.0.0.2:3260', '[::1]:3260']
      const target = await node.lio.target({ portals })
      for (const portal of portals) expect(await login(node, target, portal)).toMatchObject({ code: 0 })
      expect((await node.storage()).sessions).toHaveLength(3)
      expect(await node.sh('cat /sys/class/iscsi_connection/*/persistent_address | sort')).toBe(
        '127.0.0.1\n127.0.0.2\n::1',
      )
    })

    test('disable is an outage and enable its end', async () => {
      const target = await node.lio.target()
      await login(node, target)
      expect(await sessionState(node)).toBe('LOGGED_IN')
      await target.disable()
      await node.until(async () => (await sessionState(node)) === 'FAILED', { what: 'the outage' })
      await target.enable()
      await node.until(async () => (await sessionState(node)) === 'LOGGED_IN', { what: 'its end' })
    })

    test('a volume grows, and its bytes are seen as the target holds them', async () => {
      const target = await node.lio.target()
      await target.map(0, { bytes: 16 << 20 })
      await login(node, target)
      const disk = await scan(node, 0)
      const untouched = await target.hash(0)
      await node.sh(`printf lunkeeper | dd of=/dev/${disk} bs=512 seek=8 conv=sync oflag=direct 2>/dev/null`)
      expect(await target.hash(0)).not.toBe(untouched)
      expect((await target.bytes(0, 8 * 512, 9)).toString()).toBe('lunkeeper')
      await target.resize(0, 48 << 20)
      await node.write(`/sys/block/${disk}/device/rescan`, '1\n')
      expect(await node.read(`/sys/block/${disk}/size`)).toBe(`${(48 << 20) / 512}\n`)
    })

    test('a LUN can be given to another volume, and the first one kept for later', async () => {
      const target = await node.lio.target()
      await target.map(3, { serial: 'aaa1', name: 'first' })
      await target.unmap(3, { keep: true })
      await target.map(3, { serial: 'bbb2', name: 'second' })
      await login(node, target)
      const disk = await scan(node, 3)
      const serial = (): Promise<string> => node.sh(`sg_inq -p 0x80 -r /dev/${disk}`)
      expect(await serial()).toContain('bbb2')
      await target.unmap(3, { keep: true })
      await target.map(3, { name: 'first' })
      expect(await serial()).toContain('aaa1')
    })

    test('a program that ends while a portal is made does not interfere', async () => {
      const target = await node.lio.target()
      for (let port = 4000; port < 4020; port++) {
        const sleeper = await node.start(['sleep', '100'])
        await Promise.all([sleeper.kill('SIGKILL'), target.addPortal(`127.0.0.1:${port}`)])
      }
      expect(await node.sh('ls /sys/kernel/config/target/iscsi/*/tpgt_1/np | wc -l')).toBe('21')
    })
  },
)

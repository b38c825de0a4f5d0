import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Lab, LabError, type LabNode, type Target } from '../../lab/index.ts'
import { login, scan, sessionState } from './login.ts'

const iqn = 'iqn.2026-01.dev.lunkeeper:shared'
const disk = { serial: 'd15c', dir: '/lab/share', name: 'disk', bytes: 32 << 20 }
const stores = { bookworm: '10.9.0.2', trixie: '10.9.0.3' }

let lab: Lab
let node: LabNode
let store: LabNode
let target: Target
let sd: string

beforeAll(async () => {
  lab = await Lab.open()
  ;[node, store] = await Promise.all([
    lab.boot({ name: 'node', address: '10.9.0.1' }),
    lab.boot({
      name: 'store',
      address: [stores.bookworm, 'fd09::2'],
      iscsid: false,
      udev: false,
      memory: 256,
    }),
  ])
  target = await store.lio.target({ iqn, portals: [`${stores.bookworm}:3260`, '[fd09::2]:3260'] })
  await target.map(0, disk)
  await login(node, target, undefined, { 'node.session.timeo.replacement_timeout': '60' })
  sd = await scan(node, 0)
}, 300_000)
afterAll(() => lab.close())

/** reads past every cache; false if no answer came in time */
const answers = async (): Promise<boolean> =>
  (
    await node.run(['dd', `if=/dev/${sd}`, 'of=/dev/null', 'bs=4096', 'count=1', 'iflag=direct'], {
      deadline: 1500,
    })
  ).code === 0

/** the noop interval and timeout are a second each, so three would be enough; a busy machine gets more */
const becomes = (state: string): Promise<true> =>
  node.until(async () => (await sessionState(node)) === state, {
    deadline: 30_000,
    what: `a session that is ${state}`,
  })

test('two kernels talk over the switch', { timeout: 60_000 }, async () => {
  expect(await answers()).toBe(true)
  expect((await node.run(['iscsiadm', '-m', 'session', '-P', '1'])).stdout).toContain(
    `${stores.bookworm}:3260`,
  )
})

test('a frozen machine is silent, and a thawed one continues', { timeout: 120_000 }, async () => {
  store.freeze()
  expect(await answers()).toBe(false)
  await becomes('FAILED')
  store.thaw()
  await becomes('LOGGED_IN')
  await node.until(answers)
})

test('a cut network is silent on both sides, and a joined one continues', { timeout: 120_000 }, async () => {
  await lab.cut(store)
  expect(await answers()).toBe(false)
  // there is no reset and no unreachable message: the initiator just no longer hears from the target
  await becomes('FAILED')
  expect((await node.kernelLog()).lines.join('\n')).toContain('ping timeout')
  expect(
    (await store.run(['sh', '-c', 'cat /sys/class/net/eth0/operstate; ip -o addr show eth0'])).stdout,
  ).toMatch(/^(?:up|unknown)\n[^]*10\.9\.0\.2/)
  await lab.join(store)
  await becomes('LOGGED_IN')
  await node.until(answers)
})

test(
  'a killed machine is gone, and another takes over its address and its disk',
  { timeout: 120_000 },
  async () => {
    await node.sh(`printf survives | dd of=/dev/${sd} bs=512 conv=sync oflag=direct 2>/dev/null`)
    await store.kill()
    expect(store.isOff).toBe(true)
    await expect(store.run(['true'])).rejects.toThrow(LabError)
    await becomes('FAILED')
    const second = await lab.boot({
      name: 'second',
      debian: 'trixie',
      address: stores.bookworm,
      iscsid: false,
      udev: false,
      memory: 256,
    })
    const again = await second.lio.target({ iqn, portals: [`${stores.bookworm}:3260`] })
    await again.map(0, disk)
    await becomes('LOGGED_IN')
    expect((await node.run(['dd', `if=/dev/${sd}`, 'bs=9', 'count=1'])).stdout).toMatch(/^survives/)
    const onHost = createHash('sha256')
      .update(await readFile(join(lab.share, 'disk')))
      .digest('hex')
    expect(await again.hash(0)).toBe(onHost)
  },
)

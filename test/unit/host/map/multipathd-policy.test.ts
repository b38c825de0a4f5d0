import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { presentMapPolicies, setMapPolicies } from '../../../../src/host/map/multipathd-policy.ts'
import { rootWith } from '../iscsi/root.ts'

const SOCKET =
  'Num       RefCount Protocol Flags    Type St Inode Path\n0000: 00000002 00000000 00010000 0001 01   218 @/org/kernel/linux/storage/multipathd\n'
const POLICIES = [{ wwid: '36001405a', noPathRetry: '60' }]
const CONF = 'etc/multipath/conf.d/zz-lunkeeper.conf'

/** A node with a running multipathd that rejects or accepts its configuration. */
function node() {
  const host = rootWith({ 'proc/1/net/unix': SOCKET })
  let code = 0
  const answers = {
    ...host,
    async run(...call: Parameters<typeof host.run>) {
      return { ...(await host.run(...call)), code }
    },
  }
  return { host: answers, asked: host.asked, accept: (yes: boolean) => void (code = yes ? 0 : 1) }
}

test('multipathd reads a changed file once', async () => {
  const { host, asked } = node()
  await setMapPolicies(host, POLICIES)
  await setMapPolicies(host, POLICIES)
  expect(asked).toEqual([['multipathd', 'reconfigure']])
})

test('a file that multipathd did not read is read at the next call, although it does not change', async () => {
  const { host, asked, accept } = node()
  accept(false)
  await expect(setMapPolicies(host, POLICIES)).rejects.toMatchObject({ code: 'MAP_FAILED' })
  accept(true)
  await setMapPolicies(host, POLICIES)
  expect(asked).toHaveLength(2)
})

test('the removal of the file is told to multipathd, too, after a failure', async () => {
  const { host, asked, accept } = node()
  await setMapPolicies(host, POLICIES)
  accept(false)
  await expect(setMapPolicies(host, [])).rejects.toMatchObject({ code: 'MAP_FAILED' })
  expect(existsSync(join(host.root, CONF))).toBe(false)
  accept(true)
  await setMapPolicies(host, [])
  await setMapPolicies(host, [])
  expect(asked).toHaveLength(3)
})

test('the file is read as it was written', async () => {
  const { host } = node()
  expect(presentMapPolicies(host)).toEqual([])
  const policies = [...POLICIES, { wwid: '36001405b', noPathRetry: 'queue' }]
  await setMapPolicies(host, policies)
  expect(presentMapPolicies(host)).toEqual(policies)
})

import { expect, test } from 'vitest'
import {
  hasTransport,
  isIscsidRunning,
  isIscsidTending,
  isMultipathdRunning,
  kernelRelease,
  readInitiatorName,
} from '../../../../src/host/read/node.ts'
import { lay, nothing, recorded } from './tree.ts'

const socket = (flags: string, type: string, path: string) =>
  `Num       RefCount Protocol Flags    Type St Inode Path\n000000007eda5948: 00000002 00000000 ${flags} ${type} 01   218 ${path}\n`
const unix = (text: string) => lay(nothing, { 'proc/1/net/unix': text })
const netlink = (pid: number) =>
  lay(nothing, {
    'proc/1/net/netlink': `sk               Eth Pid        Groups\n000000008b4e9618 8   ${pid}          00000001 0\n`,
  })

test.for(['bookworm', 'trixie'])('%s: iscsid is seen as running, and multipathd as not', (debian) => {
  const host = lay(recorded(`${debian}-in-use`))
  expect(isIscsidRunning(host)).toBe(true)
  expect(isIscsidTending(host)).toBe(true)
  expect(isMultipathdRunning(host)).toBe(false)
  expect(hasTransport(host)).toBe(true)
  expect(kernelRelease(host)).toMatch(/^6\.\d+\.\d+$/)
  expect(readInitiatorName(host)).toBe('iqn.2026-11.example:node-1')
})

test('a listening socket is a daemon, whatever pads its name', () => {
  expect(isMultipathdRunning(unix(socket('00010000', '0001', '@/org/kernel/linux/storage/multipathd')))).toBe(
    true,
  )
  expect(isIscsidRunning(unix(socket('00010000', '0001', '@ISCSIADM_ABSTRACT_NAMESPACE@@@')))).toBe(true)
})

test("a client's connection, a path in the file system and a longer name are not a daemon", () => {
  expect(isMultipathdRunning(unix(socket('00000000', '0001', '@/org/kernel/linux/storage/multipathd')))).toBe(
    false,
  )
  expect(isMultipathdRunning(unix(socket('00010000', '0001', '/org/kernel/linux/storage/multipathd')))).toBe(
    false,
  )
  expect(isIscsidRunning(unix(socket('00010000', '0001', '@ISCSIADM_ABSTRACT_NAMESPACE2')))).toBe(false)
  expect(isIscsidRunning(unix(socket('00010000', '0001', '@MY_ISCSIADM_ABSTRACT_NAMESPACE')))).toBe(false)
})

test('systemd that listens for iscsid does not count as iscsid', () => {
  expect(isIscsidTending(netlink(0))).toBe(false)
  expect(isIscsidTending(netlink(777))).toBe(true)
})

test('the initiator name is found among comments and blanks', () => {
  const file =
    '## InitiatorName=iqn.1990-01.wrong:one\n#InitiatorName=iqn.1990-01.wrong:two\n\n  InitiatorName = iqn.2026-11.example:right  \n'
  expect(readInitiatorName(lay(nothing, { 'etc/iscsi/initiatorname.iscsi': file }))).toBe(
    'iqn.2026-11.example:right',
  )
})

test('an initiator name that is malformed or not generated yet is null', () => {
  for (const file of ['GenerateName=yes\n', 'InitiatorName=\n', 'InitiatorName=node\n', ''])
    expect(readInitiatorName(lay(nothing, { 'etc/iscsi/initiatorname.iscsi': file }))).toBeNull()
})

test('an empty host has no daemon and no initiator name', () => {
  const host = lay(nothing)
  expect([
    isIscsidRunning(host),
    isIscsidTending(host),
    isMultipathdRunning(host),
    hasTransport(host),
  ]).toEqual([false, false, false, false])
  expect([kernelRelease(host), readInitiatorName(host)]).toEqual([null, null])
})

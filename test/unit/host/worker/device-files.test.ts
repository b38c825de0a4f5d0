import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

import { deviceFiles } from '../../../../src/host/worker/device-files.ts'
import { temporary } from '../../temporary.ts'

/** /dev/zero (Documentation/admin-guide/devices.txt). */
const ZERO = 'c1:5'
const LOCAL = '20 1 0:6 / /dev rw - devtmpfs devtmpfs rw'
const NETWORK = '30 1 0:9 / /srv rw - nfs4 server:/ rw'

interface Fd {
  readonly to: string
  readonly mount?: number
  readonly flags?: string
}

/** A /proc with one process that has these files open. */
function processWith(fds: readonly Fd[], namespace = '1'): string {
  const proc = join(temporary(), 'proc')
  lay(proc, '77', fds, namespace)
  return proc
}

function lay(proc: string, pid: string, fds: readonly Fd[], namespace: string, parent = 1): void {
  const directory = join(proc, pid)
  for (const name of ['fd', 'fdinfo', 'ns']) mkdirSync(join(directory, name), { recursive: true })
  writeFileSync(join(directory, 'comm'), 'qemu\n')
  writeFileSync(join(directory, 'stat'), `${pid} (a) b) S ${parent} 1 1\n`)
  writeFileSync(join(directory, 'mountinfo'), `${LOCAL}\n${NETWORK}\n`)
  symlinkSync(`mnt:[${namespace}]`, join(directory, 'ns/mnt'))
  for (const [index, { to, mount = 20, flags = '02' }] of fds.entries()) {
    symlinkSync(to, join(directory, 'fd', String(index)))
    writeFileSync(join(directory, 'fdinfo', String(index)), `pos:\t0\nflags:\t${flags}\nmnt_id:\t${mount}\n`)
  }
}

/** The device under another name. */
function otherName(): string {
  const path = join(temporary(), 'data-0')
  symlinkSync('/dev/zero', path)
  return path
}

test('a device is recognized by its number, whatever its node is called', () => {
  const to = otherName()
  expect(deviceFiles(processWith([{ to: '/etc/hostname' }, { to }]), [ZERO], ['/dev/zero'])).toEqual([
    { pid: 77, command: 'qemu', path: to },
  ])
})

test('a node that has the name of the device and another number is not the device', () => {
  expect(deviceFiles(processWith([{ to: '/dev/null' }]), [ZERO], ['/dev/null'])).toEqual([])
})

test('a block device is not the character device of the same number', () => {
  expect(deviceFiles(processWith([{ to: '/dev/zero' }]), ['b1:5'], ['/dev/x'])).toEqual([])
})

test('a descriptor that only refers to the path is not an opener', () => {
  expect(deviceFiles(processWith([{ to: '/dev/zero', flags: '012100000' }]), [ZERO], [])).toEqual([])
})

test.each([30, 999])('what may be on a server that does not answer (mount %i) is not looked at', (mount) => {
  const proc = processWith([{ to: otherName(), mount }])
  expect(deviceFiles(proc, [ZERO], ['/dev/zero'])).toEqual([])
  expect(deviceFiles(processWith([{ to: '/dev/zero', mount }]), [ZERO], ['/dev/zero'])).toHaveLength(1)
})

test('the caller, this process and what the caller started do not count', () => {
  const proc = processWith([{ to: '/dev/zero' }])
  lay(proc, '100', [{ to: '/dev/zero' }], '1')
  lay(proc, '101', [{ to: '/dev/zero' }], '1', 100)
  lay(proc, '102', [{ to: '/dev/zero' }], '1', 100)
  symlinkSync('101', join(proc, 'self'))
  expect(deviceFiles(proc, [ZERO], []).map(({ pid }) => pid)).toEqual([77])
})

test('this machine: sockets, ends of processes and foreign namespaces are passed over', () => {
  expect(deviceFiles('/proc', ['b4095:1048575'], [])).toEqual([])
})

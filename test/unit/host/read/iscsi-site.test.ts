import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import type { HostPaths } from '../../../../src/host/paths.ts'
import { hostPaths } from '../../../../src/host/paths.ts'
import {
  hasModule,
  hasProgram,
  isIscsidReplaced,
  readableSecrets,
  readIscsidConf,
  readMultipathSite,
  scanRules,
} from '../../../../src/host/read/iscsi-site.ts'
import { temporary } from '../../temporary.ts'

let paths: HostPaths
beforeEach(() => {
  paths = hostPaths(temporary())
})

function file(path: string, text: string, mode = 0o644): string {
  const whole = join(paths.root, path)
  mkdirSync(dirname(whole), { recursive: true })
  writeFileSync(whole, text)
  chmodSync(whole, mode)
  return whole
}

it('comments in iscsid.conf are ignored, and the last value of a key counts', () => {
  file(
    'etc/iscsi/iscsid.conf',
    '# node.session.scan = auto\nnode.session.scan=auto\n node.session.scan = manual \n',
  )
  expect(readIscsidConf(paths).get('node.session.scan')).toBe('manual')
})

it('a udev rule that scans counts where udev reads it, and not if it is masked or commented out', () => {
  const rule =
    'ACTION=="change", ENV{SDEV_UA}=="REPORTED_LUNS_DATA_HAS_CHANGED", RUN+="scan-scsi-target $env{DEVPATH}"\n'
  file('usr/lib/udev/rules.d/90-scsi-ua.rules', rule)
  file('usr/lib/udev/rules.d/60-block.rules', rule)
  file('usr/lib/udev/rules.d/91-scsi-off.rules', `# ${rule}`)
  expect(scanRules(paths)).toEqual(['/usr/lib/udev/rules.d/90-scsi-ua.rules'])
  mkdirSync(join(paths.root, 'etc/udev/rules.d'), { recursive: true })
  symlinkSync('/dev/null', join(paths.root, 'etc/udev/rules.d/90-scsi-ua.rules'))
  expect(scanRules(paths)).toEqual([])
})

it.for([
  ['/usr/sbin/iscsid', false],
  ['/usr/sbin/iscsid (deleted)', true],
] as const)('an iscsid started from %s', ([exe, replaced]) => {
  const netlink = 'sk               Eth Pid        Groups\n000 8   0          0\n001 8   4711       0\n'
  file('proc/self/net/netlink', netlink)
  // If the host's trees are below another root, they are read through its first process.
  file('proc/1/net/netlink', netlink)
  file('proc/4711/comm', 'iscsid\n')
  symlinkSync(exe, join(paths.root, 'proc/4711/exe'))
  expect(isIscsidReplaced(paths)).toBe(replaced)
})

it('an iscsid that is not installed is neither', () => {
  expect(isIscsidReplaced(paths)).toBeNull()
})

it('a module is loaded, loadable or missing, and unknown without a list of modules', () => {
  file('proc/sys/kernel/osrelease', '6.1.0\n')
  expect(hasModule(paths, 'dm_multipath')).toBeNull()
  file('lib/modules/6.1.0/modules.dep', 'kernel/drivers/md/dm-multipath.ko.xz: kernel/a.ko\n')
  file('lib/modules/6.1.0/modules.builtin', 'kernel/drivers/scsi/sg.ko\n')
  mkdirSync(join(paths.root, 'sys/module/iscsi_tcp'), { recursive: true })
  expect(['dm_multipath', 'sg', 'iscsi_tcp', 'dm_mod'].map((name) => hasModule(paths, name))).toEqual([
    true,
    true,
    true,
    false,
  ])
})

it('a program counts if it can be executed, or is a link out of what is visible', () => {
  file('usr/sbin/dmsetup', '', 0o755)
  file('usr/sbin/xfs_repair', '')
  symlinkSync('/opt/iscsiadm', join(paths.root, 'usr/sbin/iscsiadm'))
  const has = (program: string) => hasProgram(paths, program, '/sbin:/usr/sbin')
  expect([has('dmsetup'), has('iscsiadm'), has('xfs_repair')]).toEqual([true, true, false])
})

it('the last value in multipath.conf and its parts counts, and comments are ignored', () => {
  expect(readMultipathSite(paths)).toEqual({ findMultipaths: null, property: null })
  file('etc/multipath.conf', 'defaults {\n  find_multipaths "greedy" # or\n  # find_multipaths off\n}\n')
  expect(readMultipathSite(paths)).toEqual({ findMultipaths: 'greedy', property: null })
  file(
    'etc/multipath/conf.d/a.conf',
    'defaults {\n find_multipaths strict\n}\nblacklist_exceptions {\n property ".*"\n}\n',
  )
  expect(readMultipathSite(paths)).toEqual({ findMultipaths: 'strict', property: '.*' })
})

it("a secret that others can read is found by its mode and its directories' modes", () => {
  const secret = 'node.session.auth.password = x\n'
  const conf = file('etc/iscsi/iscsid.conf', `# ${secret}`)
  const database = join(paths.root, 'var/lib/iscsi/nodes')
  const open = file('var/lib/iscsi/nodes/iqn.a/10.0.0.5,3260,1/default', secret)
  file('var/lib/iscsi/nodes/iqn.b/10.0.0.5,3260', secret, 0o600)
  file('var/lib/iscsi/nodes/iqn.c/10.0.0.5,3260', 'node.session.auth.authmethod = CHAP\n')
  file('var/lib/iscsi/nodes/iqn.d/10.0.0.5,3260', secret)
  chmodSync(join(database, 'iqn.d'), 0o700)
  expect(readableSecrets(paths, database)).toEqual([{ path: open, mode: '644' }])
  file('etc/iscsi/iscsid.conf', secret, 0o604)
  expect(readableSecrets(paths, database).map(({ path }) => path)).toEqual([conf, open])
  chmodSync(database, 0o700)
  expect(readableSecrets(paths, database)).toEqual([{ path: conf, mode: '604' }])
})

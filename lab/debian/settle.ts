import { appendFile, copyFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from './program.ts'

/** Groups that udev's rules name; udev's package creates them when it is installed. The numbers have no meaning. */
const udevGroups = ['input', 'sgx', 'clock', 'kvm', 'render']

/** Created here because a guest's root is read-only: mount points for what the lab adds, and for what must be writable. */
const places = [
  'lab/guest',
  'lab/project',
  'lab/node',
  'lab/share',
  'lab/machine',
  'proc',
  'sys',
  'dev',
  'run',
  'tmp',
  'mnt',
  'usr/local',
  'root',
  'var/lib',
  'var/log',
  'var/tmp',
  'var/cache',
  'etc',
]

/** Does what the packages' maintainer scripts would have done, as far as a lab machine needs it. */
export async function settle(root: string, boot: string): Promise<void> {
  const at = (...path: string[]): string => join(root, ...path)
  for (const place of places) await mkdir(at(place), { recursive: true })

  // users and groups (base-passwd, udev)
  await copyFile(at('usr/share/base-passwd/passwd.master'), at('etc/passwd'))
  await copyFile(at('usr/share/base-passwd/group.master'), at('etc/group'))
  await appendFile(at('etc/group'), udevGroups.map((name, index) => `${name}:x:${990 + index}:\n`).join(''))
  await writeFile(at('etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files\n')
  await writeFile(at('etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n')
  await writeFile(at('etc/ld.so.conf'), 'include /etc/ld.so.conf.d/*.conf\n')
  for (const place of ['etc/target', 'etc/multipath', 'etc/iscsi', 'etc/lunkeeper'])
    await mkdir(at(place), { recursive: true })

  // links of update-alternatives
  for (const [link, to] of [
    ['usr/bin/awk', 'mawk'],
    ['usr/bin/which', 'which.debianutils'],
    ['usr/bin/pager', 'less'],
  ]) {
    await symlink(to!, at(link!)).catch(() => undefined)
  }
  await rm(at('etc/mtab'), { force: true })
  await symlink('/proc/self/mounts', at('etc/mtab'))

  // put the kernel's modules where modprobe looks for them, and the C library of the suite beside the kernel
  const modules = at('usr/lib/uml/modules')
  const [version = ''] = await readdir(modules)
  await mkdir(at('usr/lib/modules'), { recursive: true })
  await cp(join(modules, version), at('usr/lib/modules', version), {
    recursive: true,
    verbatimSymlinks: true,
  })
  await rm(modules, { recursive: true })

  await mkdir(boot, { recursive: true })
  const loader = join(boot, 'ld.so')
  await copyFile(at('usr/lib64/ld-linux-x86-64.so.2'), loader)
  await writeFile(join(boot, 'linux'), withLoader(await readFile(at('usr/bin/linux.uml'))), { mode: 0o755 })
  await writeFile(join(boot, 'version'), version)
  const inside = (argv0: string, ...argv: string[]): Promise<string> =>
    program([loader, '--library-path', at('usr/lib/x86_64-linux-gnu'), '--argv0', argv0, ...argv])
  await inside('depmod', at('usr/bin/kmod'), '-b', root, version)

  // /etc is writable in a guest: one archive is unpacked there, which is faster than copying its files over hostfs
  await mkdir(at('usr/lib/lab'), { recursive: true })
  await program([
    'tar',
    '-C',
    at('etc'),
    '-cf',
    at('usr/lib/lab/etc.tar'),
    '--owner=0',
    '--group=0',
    ...etc(await readdir(at('etc'))),
  ])
  await writeFile(at('lab/init'), init, { mode: 0o755 })
}

/** The parts of /etc that a guest has: enough for storage, and few enough to be unpacked at each boot. */
function etc(names: string[]): string[] {
  const wanted = new Set([
    'passwd',
    'group',
    'nsswitch.conf',
    'hosts',
    'ld.so.conf',
    'ld.so.conf.d',
    'iscsi',
    'multipath',
    'target',
    'lunkeeper',
    'udev',
    'mke2fs.conf',
    'mtab',
    'os-release',
    'debian_version',
    'protocols',
    'systemd',
    'pam.d',
    'security',
    'dbus-1',
    'rpc',
    'services',
    'iproute2',
    'modprobe.d',
    'os-brick',
    'bash.bashrc',
    'alternatives',
    'host.conf',
  ])
  return names.filter((name) => wanted.has(name) || name.startsWith('python'))
}

/**
 * The kernel is linked with the C library of its own Debian, which may be newer than the host's. Its interpreter is
 * changed in place, to a path relative to the directory from which it is started; the old name is longer, so the
 * new one fits.
 */
export function withLoader(kernel: Buffer): Buffer {
  const old = '/lib64/ld-linux-x86-64.so.2\0'
  const at = kernel.indexOf(old)
  if (at < 0) throw new Error('the kernel names no interpreter that the lab knows')
  const changed = Buffer.from(kernel)
  changed.fill(0, at, at + old.length)
  changed.write('./ld.so', at)
  return changed
}

/** The very first program: makes the lab's own files from the checkout available, and runs them. */
const init = `#!/bin/sh
# A hostfs of a kernel before 6.7 takes the bare directory as its option, a later one wants hostfs=<directory>.
mount -t proc proc /proc
case $(uname -r) in
  [0-5].* | 6.[0-6].*) from= ;;
  *) from=hostfs= ;;
esac
export LAB_HOSTFS="$from"
mount -t hostfs -o "$from$LAB_AT/guest" none /lab/guest
exec /bin/sh /lab/guest/init.sh
`

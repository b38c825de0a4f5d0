/** The two Debian releases that the lab boots. Their storage software differs: kernel 6.1 or 6.12, open-iscsi 2.1.8 or 2.1.11. */
export type Debian = 'bookworm' | 'trixie'

export const debians: readonly Debian[] = ['bookworm', 'trixie']

/**
 * The packages of a lab machine. Dependencies are added automatically; recommended packages are not.
 * libstdc++6 is for Node, which is not a Debian package: the guest uses the Node that runs the lab.
 */
export const packages: readonly string[] = [
  // the kernel and the switch, which run on the host
  'user-mode-linux',
  'uml-utilities',
  // a small system
  'base-files',
  'base-passwd',
  'dash',
  'bash',
  'coreutils',
  'sed',
  'grep',
  'findutils',
  'mawk',
  'perl-base',
  'tar',
  'gzip',
  'hostname',
  'libc-bin',
  'debianutils',
  'util-linux',
  'util-linux-extra',
  'mount',
  'kmod',
  'udev',
  'procps',
  'psmisc',
  'less',
  'iproute2',
  'libstdc++6',
  // storage
  'open-iscsi',
  'multipath-tools',
  'dmsetup',
  'sg3-utils',
  'e2fsprogs',
  'xfsprogs',
  // to see which system calls a program makes
  'strace',
]

/** Raise this by hand when the unpacking or settling changes: old caches are then left alone, and a new one is made. */
export const recipe = 3

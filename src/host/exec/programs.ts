/**
 * The only programs that are ever started, each with the Debian package to name if it is missing. They are looked up in
 * {@link PATH}, never in the caller's path.
 */
export const PACKAGE_OF = {
  iscsiadm: 'open-iscsi',
  iscsid: 'open-iscsi',
  mount: 'mount',
  umount: 'mount',
  sync: 'coreutils',
  blkid: 'util-linux',
  blockdev: 'util-linux',
  flock: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  sh: 'dash',
  'mkfs.ext4': 'e2fsprogs',
  'fsck.ext4': 'e2fsprogs',
  resize2fs: 'e2fsprogs',
  chattr: 'e2fsprogs',
  lsattr: 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  xfs_growfs: 'xfsprogs',
  xfs_repair: 'xfsprogs',
  multipath: 'multipath-tools',
  multipathd: 'multipath-tools',
  dmsetup: 'dmsetup',
  sg_inq: 'sg3-utils',
  modprobe: 'kmod',
  udevadm: 'udev',
  systemctl: 'systemd',
  busctl: 'systemd',
  'systemd-notify': 'systemd',
  xz: 'xz-utils',
  bzip2: 'bzip2',
} as const

export type Program = keyof typeof PACKAGE_OF

export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

import type { Hctl } from './hctl.ts'
import type { Hold } from './hold.ts'
import type { Iqn } from './iqn.ts'
import type { Portal } from './portal.ts'
import type { Wwid } from './wwid.ts'

/** `state` of a session, as the kernel reports it; FREE also applies to one that never logged in. */
export type SessionState = 'LOGGED_IN' | 'FAILED' | 'FREE' | (string & {})

/** One iSCSI session, from /sys/class/iscsi_session and its connection. */
export interface Session {
  readonly sid: number
  readonly iqn: Iqn
  /** The configured address, not one that a redirect led to. Null for a moment at the start. */
  readonly portal: Portal | null
  readonly state: SessionState
  /** SCSI host of this session; iscsi_tcp creates one for each. */
  readonly host: number
  /** SCSI target number under that host; the T of C:T:L. Null before the first scan on old kernels. */
  readonly targetId: number | null
  /** Seconds from a lost connection to I/O errors. */
  readonly recoveryTmo: Hold
  /** Interface record that the login used. */
  readonly iface: string
}

/** A SCSI disk of an iSCSI session. `name` and `devno` are null until the sd driver has probed it. */
export interface ScsiDisk {
  readonly hctl: Hctl
  readonly sid: number
  /** sdX */
  readonly name: string | null
  /** major:minor */
  readonly devno: string | null
  /** running, blocked, transport-offline, offline, cancel, … (drivers/scsi/scsi_sysfs.c) */
  readonly state: string
  readonly bytes: number
  /** As the kernel last read it: a cache, which does not prove what answers at this LUN now. */
  readonly cached: { readonly wwid: Wwid | null; readonly serial: string | null }
  /** Names of the block devices (dm-0, md1) on top of it or of its partitions. */
  readonly holders: readonly string[]
  /** Partitions (sdX1, …), which may also be mounted or held. */
  readonly partitions: readonly BlockRef[]
  /** sgN, if the sg module is loaded. */
  readonly sg: string | null
  readonly readOnly: boolean
}

/** A block device by name and number. */
export interface BlockRef {
  readonly name: string
  readonly devno: string
}

/** A device-mapper map. */
export interface DmMap {
  /** dm-N */
  readonly device: string
  /** Its name under /dev/mapper. */
  readonly name: string
  readonly uuid: string
  readonly devno: string
  readonly bytes: number
  readonly suspended: boolean
  /** Block devices below it. */
  readonly slaves: readonly string[]
  /** Block devices on top of it. */
  readonly holders: readonly string[]
}

/** A mount, as /proc/self/mountinfo shows it. */
export interface Mount {
  readonly devno: string
  readonly point: string
  /** The part of the file system that is mounted: `/` for all of it; another path is a bind mount of a part. */
  readonly root: string
  readonly fs: string
  readonly source: string
  /** Options of this mount (ro, nosuid, …) and of the file system, unchanged. */
  readonly options: readonly string[]
  readonly superOptions: readonly string[]
}

/** Counters of a file system that is alive in the kernel, mounted or not (mount namespaces). */
export interface LiveFs {
  /** sdX or dm-N */
  readonly device: string
  readonly fs: 'ext4' | 'xfs'
  /** ext4 only: stored in its superblock, so only an increase indicates new errors. */
  readonly errors: number | null
  readonly warnings: number | null
}

/** The iSCSI state of a node as its kernel shows it at one moment. */
export interface Snapshot {
  readonly sessions: readonly Session[]
  readonly disks: readonly ScsiDisk[]
  readonly maps: readonly DmMap[]
  readonly mounts: readonly Mount[]
  readonly fileSystems: readonly LiveFs[]
}

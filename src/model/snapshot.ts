import type { Hctl } from './hctl.ts'
import type { Hold } from './hold.ts'
import type { Iqn } from './iqn.ts'
import type { Portal } from './portal.ts'
import type { Wwid } from './wwid.ts'

/** `state` of a session as the kernel says it; FREE also describes one that never logged in. */
export type SessionState = 'LOGGED_IN' | 'FAILED' | 'FREE' | (string & {})

/** One iSCSI session, from /sys/class/iscsi_session and its connection. */
export interface Session {
  readonly sid: number
  readonly iqn: Iqn
  /** The address it was told to use, not the one a redirect led it to. Null for a moment at its start. */
  readonly portal: Portal | null
  readonly state: SessionState
  /** SCSI host of this session; iscsi_tcp makes one for each. */
  readonly host: number
  /** SCSI target number under that host; the T of C:T:L. Null before the first scan on old kernels. */
  readonly targetId: number | null
  /** Seconds from a lost connection to I/O errors. */
  readonly recoveryTmo: Hold
  /** Interface record it was logged in through. */
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
  /** As the kernel last heard it: a cache, no proof of what answers at this LUN now. */
  readonly cached: { readonly wwid: Wwid | null; readonly serial: string | null }
  /** Names of the block devices (dm-0, md1) that stand on it or on its partitions. */
  readonly holders: readonly string[]
  /** Partitions (sdX1, …): they too may be mounted or held. */
  readonly partitions: readonly BlockRef[]
  /** sgN, where the sg module is there. */
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
  /** What of the file system is mounted: `/` for all of it; another path is a bind of a part. */
  readonly root: string
  readonly fs: string
  readonly source: string
  /** Options of this mount (ro, nosuid, …) and of the file system, as they stand there. */
  readonly options: readonly string[]
  readonly superOptions: readonly string[]
}

/** Counters of a file system that is alive in the kernel, mounted anywhere or not (mount namespaces). */
export interface LiveFs {
  /** sdX or dm-N */
  readonly device: string
  readonly fs: 'ext4' | 'xfs'
  /** ext4 only: persisted in its superblock, so only growth tells of new errors. */
  readonly errors: number | null
  readonly warnings: number | null
}

/** The iSCSI side of a node as its kernel shows it at one moment. */
export interface Snapshot {
  readonly sessions: readonly Session[]
  readonly disks: readonly ScsiDisk[]
  readonly maps: readonly DmMap[]
  readonly mounts: readonly Mount[]
  readonly fileSystems: readonly LiveFs[]
}

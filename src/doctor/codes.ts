interface Kind {
  readonly meaning: string
  readonly evidence: string
  readonly remedy: string
}

/**
 * Every finding code. Codes are a contract: they are never renamed. `docs/findings.md` is generated from this table.
 */
export const FINDINGS = {
  HOLD_SHORT: {
    meaning: 'I/O of the volume would fail earlier than requested.',
    evidence: 'wanted, effective, the mode, and the timer of each session that is shorter than wanted.',
    remedy:
      'Run `lunkeeper hold NAME --set HOLD`: it sets the hold map, the session timers, or the no_path_retry of multipathd again. For a volume held by its session, run it while there is no outage: the kernel does not extend a session timer during one.',
  },
  HOLDING: {
    meaning:
      'The target is away and the I/O of the volume is held. Critical once less than a fifth of the hold is left.',
    evidence: 'since, deadline (null if there is none or it is not known), why I/O does not resume.',
    remedy:
      'Bring the target back. `lunkeeper hold NAME --set 2h` extends the hold (immediately, on a hold map); `--give-up` fails the I/O now.',
  },
  VOLUME_FAILED: {
    meaning: 'According to its record the volume is attached, but I/O does not reach it.',
    evidence: 'the state of each path, the mount as requested and as it is, how the hold ended.',
    remedy: 'Bring the target back, stop the users of the file system, then run the same attach again.',
  },
  WRONG_VOLUME: {
    meaning: 'Another volume, or none, answers where this volume should be.',
    evidence: 'the disk and its identity, the identity in the record; or what the agent noted.',
    remedy:
      'Map the right volume at that LUN again on the storage system. Until then do not write, mount or unmount on that disk by hand.',
  },
  FENCED: {
    meaning: 'Another node has taken the volume. This node no longer writes to it.',
    evidence: 'state, what guards the volume, who has it.',
    remedy:
      'Stop its users on this node, then `lunkeeper detach NAME --force`. The unwritten data of this node is lost. `lunkeeper owner NAME` shows which source reports it.',
  },
  UNGUARDED: {
    meaning:
      'Nothing at the target keeps a second node from writing to the volume, and its hold is long enough for another node to get it.',
    evidence:
      'what guards the volume, the hold that was asked for, the longest that is safe without a guard.',
    remedy:
      'Enable persistent reservations on the storage system, and attach the volume again. Or shorten the hold to 300 s: Kubernetes detaches the volume of an unhealthy node after 6 minutes, or immediately with the out-of-service taint. For a cluster file system attach it with --shared.',
  },
  FS_BROKEN: {
    meaning:
      'A file system that should be writable rejects writes, or is read-only although it was attached read-write.',
    evidence: 'the mount point, its options, the result of a test write.',
    remedy:
      'Stop its users, run `lunkeeper detach NAME`, then attach again: the file system is checked before it is mounted. After an outage that was longer than its hold, the agent does this automatically once the file system is not in use.',
  },
  BARE_DIRECTORY: {
    meaning:
      'Nothing is mounted at the mount point, and it contains files: they are on a different disk than intended.',
    evidence: 'the directory, the number of entries, the names of the first ones.',
    remedy: 'Stop the program that writes there, move the files aside, then run the same attach again.',
  },
  SESSION_DOWN: {
    meaning:
      'A session that a volume needs is not logged in. Critical once its timer has expired, or it is gone.',
    evidence: 'session, portal, state, recovery timer, disk and its state.',
    remedy:
      'Bring the target or the network back: iscsid logs in again automatically. If the session is gone, run attach again.',
  },
  ISCSID_DOWN: {
    meaning: 'There are sessions, but iscsid is not running: lost connections are not restored.',
    evidence: 'the sessions.',
    remedy: 'Run `systemctl start iscsid`.',
  },
  AGENT_MISSING: {
    meaning:
      'Volumes use hold maps, but the agent is not running: after an outage no path is reinstated, and no hold ends.',
    evidence: 'the volumes and maps.',
    remedy: 'Run `systemctl start lunkeeper`.',
  },
  HELD_BESIDE: {
    meaning:
      'A logical volume, a dm-crypt device or another map uses a disk of the volume directly, beside the hold map. The hold map does not hold its I/O, and both may write the same blocks.',
    evidence:
      'the disk, each device on it with the devices above and their mounts, the recovery timer of its session.',
    remedy:
      'Deactivate it (`vgchange -an VG`, `cryptsetup close NAME`, `multipath -f NAME`), then activate it again on the hold map. See "What uses a volume" in node.md.',
  },
  MAP_UNOWNED: {
    meaning: 'A hold map has no record.',
    evidence: 'the map, its device, the disks below it, its users.',
    remedy: 'If it is not in use: `dmsetup message MAP 0 fail_if_no_path`, then `dmsetup remove MAP`.',
  },
  DIRECTORY_UNWRITABLE: {
    meaning:
      'The directory of the records or of the runtime files is full, read-only, or not a directory: volumes cannot be attached, detached or changed, and the agent cannot note outages.',
    evidence: 'the directory, which of the two it is, why it cannot be written.',
    remedy: 'Free space there, or make it a directory on a writable file system.',
  },
  RECORD_CORRUPT: {
    meaning: 'The record of a volume cannot be parsed.',
    evidence: 'the file and the reason.',
    remedy: 'Detach the volume by its mount point or device, then move the file away.',
  },
  RECORD_NEWER: {
    meaning:
      'A newer version of Lunkeeper wrote the record of a volume, and this version does not understand it.',
    evidence: 'the file and the reason.',
    remedy: 'Use that version of Lunkeeper on this node. Do not move or change the file.',
  },
  RECORD_OF_ANOTHER_MACHINE: {
    meaning:
      'The record of a volume was written on another machine; this one is a clone or a restored copy of it. The agent does not attach the volume automatically, because the other machine may be using it.',
    evidence: 'the machine ID in the record, that of this machine, when the record was made.',
    remedy:
      'If no other machine uses the volume any more, run the same attach here: it takes the record over. Otherwise run `lunkeeper detach NAME`, which removes the record from this machine only.',
  },
  INTERRUPTED: {
    meaning: 'An attach or detach was started, and no process is working on it.',
    evidence: 'the phase.',
    remedy:
      'For a detach: run `lunkeeper doctor --fix`, or the same detach again. For an attach: run the same attach again, or detach.',
  },
  PHANTOMS: {
    meaning:
      'A session has disks without an owner or a visible user. A warning if a volume of ours uses the same target, otherwise information.',
    evidence: 'the session, target, number of disks, the first of them, what made them.',
    remedy:
      '`lunkeeper doctor --fix` removes those of targets that have volumes of ours, if nothing uses them; `--fix PHANTOMS` those of all targets. Also fix the cause, or they come back: node.session.scan = manual, the udev rule masked.',
  },
  HUNG_TASK_PANIC: {
    meaning:
      'The kernel panics once a task has been blocked uninterruptibly for some time, and a hold is longer: an outage would reboot the node.',
    evidence: 'the number of seconds, and the volumes with a longer hold.',
    remedy:
      'Set kernel.hung_task_panic to 0, or raise kernel.hung_task_timeout_secs above the longest hold, in /etc/sysctl.d; or use a shorter hold.',
  },
  LIMIT_RAISED: {
    meaning:
      "The node's limit of dirty pages was raised during an outage. The outage is over, and no agent is running to restore the limit.",
    evidence: 'the setting, its original value, the values that were set.',
    remedy: '`lunkeeper doctor --fix` restores it, and so does the agent when it starts.',
  },
  STALE_SIZE: {
    meaning:
      'The size of the LUN that the kernel works with differs from that on the target. Critical if it shrank: I/O beyond its end fails. Size 0 means that the kernel read the disk while its LUN was not mapped, or did not answer: it fails all I/O. On a hold map, the agent makes the kernel read it again.',
    evidence: 'of each disk the size that the target reports and the one in use; the sizes of the maps.',
    remedy:
      'If it grew, or the kernel works with size 0: `lunkeeper expand NAME`. If it shrank: give it its former size on the storage system before anything more is written.',
  },
  DUPLICATE_IDENTITY: {
    meaning:
      'Different volumes report the same WWID, or the same serial where nothing else identifies a volume. Critical if a volume of ours is among them. multipathd makes one map of disks with one WWID.',
    evidence: 'the disks, with target, LUN, WWID, serial and size.',
    remedy: 'Give each volume an identity of its own on the storage system.',
  },
  SESSION_UNUSED: {
    meaning:
      'iscsid keeps trying to log in to a target that nothing visible on this node uses: a target that was removed, a session that a tool left behind.',
    evidence: 'the session, target, portal, state, number of disks.',
    remedy:
      '`lunkeeper doctor --fix SESSION_UNUSED` logs it out if no process has its disks open. Also remove its node record, if it is not needed: `iscsiadm -m node -T IQN -o delete`.',
  },
  AUTO_SCAN: {
    meaning:
      'A node record (node.session.scan = auto) or a udev rule of libstoragemgmt creates a disk for every LUN of a target that has volumes of ours. There are no phantoms yet; if there are, PHANTOMS names the cause.',
    evidence: 'the session and its setting, or the rule and the sessions it affects.',
    remedy: 'Set node.session.scan = manual in the node record and in iscsid.conf; mask the udev rule.',
  },
  TIMERS_ORDER: {
    meaning:
      'Timers that depend on each other are in the wrong order: a silent loss would be noticed later than commands time out, or a hold ends before one login attempt does.',
    evidence:
      'of each session the ping interval and timeout, the command timer of its disk; the hold, the login timeout.',
    remedy:
      'noop_out_interval + noop_out_timeout must be shorter than the command timer (30 s), the hold of a session longer than login_timeout (15 s). Settings of iscsid.conf take effect at the next login.',
  },
  ONE_PORTAL: {
    meaning:
      'A volume with several portals has I/O through one of them only. Information: its portals have one address and differ by port only.',
    evidence: 'the state of each path.',
    remedy: 'Bring the other portals back: the path is used again automatically.',
  },
  ISCSI_VERSIONS: {
    meaning:
      'iscsiadm and the running iscsid are different versions. They exchange unversioned structures, which change between releases.',
    evidence: 'both versions, whether the program of the running iscsid was replaced.',
    remedy: 'Restart iscsid while no target is away: its sessions log in again.',
  },
  OPEN_ISCSI_BUG: {
    meaning: 'This release of open-iscsi has a known bug that affects volumes.',
    evidence: 'the versions.',
    remedy:
      'Install another release. A distribution may have fixed the bug in its package without changing the version.',
  },
  MODULE_MISSING: {
    meaning: 'The running kernel lacks a module that volumes of this node need.',
    evidence: 'the module.',
    remedy: 'Install the modules of the running kernel. After an upgrade of the kernel, restart the node.',
  },
  PROGRAM_MISSING: {
    meaning: 'A program that volumes of this node need is not installed.',
    evidence: 'the program, its package in Debian.',
    remedy: 'Install the package.',
  },
  SECRET_READABLE: {
    meaning: 'A file with a CHAP password can be read by users other than root.',
    evidence: 'the file and its mode. The password is not shown.',
    remedy:
      '`lunkeeper doctor --fix SECRET_READABLE` removes the permission. Treat the password as compromised, and change it.',
  },
  MULTIPATH_TAKES: {
    meaning: 'multipathd is configured so that it can claim the disks below hold maps.',
    evidence:
      'the volumes, find_multipaths, the property by which disks are accepted, whether the udev rules are in place.',
    remedy:
      'Restart the agent, which writes the udev rules. Do not accept disks by any property other than SCSI_IDENT_ and ID_WWN.',
  },
  CLOCK_STEPPED: {
    meaning:
      'The wall clock was set by a minute or more within a day, or the machine was suspended. Holds are counted by the monotonic clock and are not affected.',
    evidence: 'when, and by how many seconds.',
    remedy: 'Check the time synchronisation.',
  },
  FLUSH_DISABLED: {
    meaning:
      'A disk has a volatile write cache, and the kernel was told that it has none: what fsync has confirmed can be lost if the array loses power.',
    evidence: 'of each disk its own cache type and what the kernel assumes.',
    remedy: 'Set the queue/write_cache of the disk to "write back", and remove what changes it.',
  },
  INITIATOR_SHARED: {
    meaning:
      'Another node uses the initiator name of this one. The target cannot distinguish them: reservations protect neither from the other, and a login of one can end the session of the other. Detected only if the target supports READ FULL STATUS and the other node has a registration.',
    evidence: 'the name and the keys.',
    remedy: 'Give one of the nodes a name of its own (`iscsi-iname`), and restart its iscsid.',
  },
  DIRECTORY_LEFT: {
    meaning:
      'A bare mount point that Lunkeeper made immutable is still immutable, and no volume has a record of it: nothing can be created in it or mounted below it by other software.',
    evidence: 'the directory, the volume that had it.',
    remedy: '`lunkeeper doctor --fix` makes it writable again, if nothing is mounted there.',
  },
  RECORD_STALE: {
    meaning:
      'A node record of open-iscsi that Lunkeeper made for a login is left over, and neither a session nor a volume needs it.',
    evidence: 'the target, the portal, the file.',
    remedy: '`lunkeeper doctor --fix` removes it.',
  },
  CHECK_FAILED: {
    meaning:
      'A check could not be completed. The checked object may be healthy or not; every other check was made.',
    evidence: 'the check, the error and its code.',
    remedy: 'Run doctor again. If the finding remains, the message names the cause.',
  },
} as const satisfies Record<string, Kind>

/** A stable code of a finding; docs/findings.md lists them. */
export type FindingCode = keyof typeof FINDINGS

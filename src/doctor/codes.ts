interface Kind {
  readonly meaning: string
  readonly evidence: string
  readonly remedy: string
}

/** Every finding there is. Codes are a contract: none is renamed. `docs/findings.md` is made from this. */
export const FINDINGS = {
  HOLD_SHORT: {
    meaning: 'I/O of the volume would fail sooner than was asked for.',
    evidence: 'wanted, effective, the mode, and the timer of each session that is shorter than wanted.',
    remedy:
      'Run `lunkeeper hold NAME --set HOLD` outside an outage: the kernel does not lengthen a session timer in one. Where multipathd limits the wait, raise no_path_retry.',
  },
  HOLDING: {
    meaning:
      'The target is away and the I/O of the volume waits. Critical once under a fifth of the hold is left.',
    evidence: 'since, deadline (null for none or not known), what keeps it from going on.',
    remedy:
      'Bring the target back. `lunkeeper hold NAME --set 2h` waits longer (on a hold map, at once); `--give-up` lets it fail now.',
  },
  VOLUME_FAILED: {
    meaning: 'The volume is attached by its record, but I/O does not go through it.',
    evidence: 'each path as it is, the mount as wanted and as it is, how the hold ended.',
    remedy: 'Bring the target back, stop the users of the file system; run the same attach again.',
  },
  WRONG_VOLUME: {
    meaning: 'Another volume, or none, answers where the volume should.',
    evidence: 'the disk and what it says of itself, what the record expects; or what the agent noted.',
    remedy:
      'Have the storage side map the right volume at that LUN again. Until then do not write, mount or unmount on that disk by hand.',
  },
  FENCED: {
    meaning: 'Another node has taken the volume. This node writes nothing more to it.',
    evidence: 'state, what guards the volume, who has it.',
    remedy:
      'Stop its users on this node, then `lunkeeper detach NAME --force`. What this node had not written is lost. `lunkeeper owner NAME` shows who says so.',
  },
  UNGUARDED: {
    meaning:
      'Nothing at the target keeps a second node from writing to the volume, and its hold is long enough for another node to get it.',
    evidence:
      'what guards the volume, the hold that was asked for, the longest that is safe without a guard.',
    remedy:
      'Switch persistent reservations on at the storage system, and attach the volume again. Or shorten the hold to 300 s: Kubernetes gives the volume of an unhealthy node away after 6 minutes, at once with the out-of-service taint. For a cluster file system attach it with --shared.',
  },
  FS_BROKEN: {
    meaning:
      'A file system that should take writes refuses them, or is read-only although read-write was asked for.',
    evidence: 'the mount point, its options, the answer to a test write.',
    remedy:
      'Stop its users, `lunkeeper detach NAME`, attach again: the file system is checked before it is mounted. With the agent this happens by itself once nobody uses it.',
  },
  BARE_DIRECTORY: {
    meaning: 'The mount point has nothing mounted, and files in it: they are on another disk than meant.',
    evidence: 'the directory, how many entries it has, the first of them.',
    remedy: 'Stop who writes there, move the files aside, then run the same attach again.',
  },
  SESSION_DOWN: {
    meaning:
      'A session that a volume lives on is not logged in. Critical once its timer has run out, or it is gone.',
    evidence: 'session, portal, state, recovery timer, disk and its state.',
    remedy:
      'Bring the target or the network back: iscsid logs in again by itself. A session that is gone: run attach again.',
  },
  ISCSID_DOWN: {
    meaning: 'Sessions exist and no iscsid tends them: a lost connection would stay lost.',
    evidence: 'the sessions.',
    remedy: 'Run `systemctl start iscsid`.',
  },
  AGENT_MISSING: {
    meaning:
      'Volumes stand on hold maps and no agent runs: after an outage nobody puts their paths back, and no wait ends.',
    evidence: 'volumes and maps concerned.',
    remedy: 'Run `systemctl start lunkeeper`.',
  },
  HELD_BESIDE: {
    meaning:
      'A logical volume, a dm-crypt device or another map stands on a disk of the volume, beside its hold map. The hold map does not hold its I/O, and both may write the same blocks.',
    evidence:
      'the disk, each device on it with what is above and where that is mounted, the recovery timer of its session.',
    remedy:
      'End it (`vgchange -an VG`, `cryptsetup close NAME`, `multipath -f NAME`), then activate it again: it finds its volume on the hold map. See "What stands on a volume" in operating.md.',
  },
  MAP_UNOWNED: {
    meaning: 'A hold map exists that no record owns.',
    evidence: 'map, device, the disks below it, who stands on it.',
    remedy: 'If nobody uses it: `dmsetup message MAP 0 fail_if_no_path`, then `dmsetup remove MAP`.',
  },
  RECORD_CORRUPT: {
    meaning: 'The record of a volume cannot be understood.',
    evidence: 'the file, and why.',
    remedy: 'Detach the volume by its mount point or device, then move the file away.',
  },
  RECORD_OF_ANOTHER_MACHINE: {
    meaning:
      'The record of a volume was written on another machine, of which this one is a clone or a restored copy. The agent does not attach the volume by itself: the other machine may be using it.',
    evidence: 'the id of the machine in the record, that of this machine, when the record was made.',
    remedy:
      'Run the same attach here once no other machine uses the volume: it takes the record over. Or `lunkeeper detach NAME`, which removes the record from this machine only.',
  },
  INTERRUPTED: {
    meaning: 'An attach or detach was begun, and nobody is at it.',
    evidence: 'the phase.',
    remedy:
      'A detach: `lunkeeper doctor --fix`, or the same detach again. An attach: the same attach again, or detach.',
  },
  PHANTOMS: {
    meaning:
      'A session has disks that no volume owns and nobody is seen to use. A warning where a volume of ours is at the same target, else information.',
    evidence: 'session, target, count, the first of the disks.',
    remedy:
      '`lunkeeper detach /dev/sdX` removes one. Set node.session.scan = manual for whoever logs in by hand.',
  },
  HUNG_TASK_PANIC: {
    meaning:
      'The kernel panics once a task has been in an uninterruptible wait for some time, and a hold is longer: an outage would reboot the node.',
    evidence: 'after how many seconds, and the volumes that are held longer.',
    remedy:
      'Set kernel.hung_task_panic to 0, or raise kernel.hung_task_timeout_secs above the longest hold, in /etc/sysctl.d; or hold for less.',
  },
  LIMIT_RAISED: {
    meaning:
      "The node's limit of unwritten memory was raised while a volume waited, nothing waits any more, and no agent runs to put it back.",
    evidence: 'the setting, what it was, the values that were set.',
    remedy: '`lunkeeper doctor --fix` puts it back, and so does the agent when it starts.',
  },
  CHECK_FAILED: {
    meaning: 'Something could not be looked at. It may be well or not; every other check was made.',
    evidence: 'which check, the error and its code.',
    remedy: 'Run doctor again; where it stays, the message says what is in the way.',
  },
} as const satisfies Record<string, Kind>

export type FindingCode = keyof typeof FINDINGS

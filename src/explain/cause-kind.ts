/** Causes of failures, other than a lost connection, that a log can show. `advice`: what would help. */
export const CAUSES = {
  'no-space': {
    what: 'the storage has no space left (thin pool full)',
    advice:
      'Free or add space in the pool on the target, and monitor its fill level; no hold prevents this. Then check the file system.',
  },
  'space-low': {
    what: 'a thin pool is nearly full',
    advice: 'Add space on the target before writes fail.',
  },
  'medium-error': {
    what: 'the storage could not read or write a block (medium error)',
    advice:
      'Replace the failing disk or repair the array on the target, and restore what was on the block; no hold prevents this.',
  },
  'hardware-error': {
    what: 'the storage reports a hardware error',
    advice: 'Check the log of the array; no hold prevents this.',
  },
  'command-aborted': {
    what: 'the storage aborted commands',
    advice:
      'The target is overloaded or failing over: check its log and latency. The kernel retries commands; an error is returned after five retries.',
  },
  'device-reset': {
    what: 'the device was reset, by the target or by error handling',
    advice:
      'Check for commands that took longer than /sys/block/DISK/device/timeout (30 s) shortly before, and for a restart of the target.',
  },
  'command-timeout': {
    what: 'commands timed out, and error handling took the device offline',
    advice:
      'Find out why the target responds so slowly. Lower node.conn[0].timeo.noop_out_interval and noop_out_timeout to detect a dead target sooner; raise /sys/block/DISK/device/timeout to give a slow one more time.',
  },
  'reservation-conflict': {
    what: 'another node holds a reservation of the device',
    advice:
      'Only one node may write: find the holder (lunkeeper owner NAME, sg_persist -r) and detach there. A hold does not help.',
  },
  'lun-missing': {
    what: 'the target no longer serves this LUN (logical unit not supported)',
    advice:
      'Map the same volume to this initiator at this LUN again. Detach on the node before unmapping a LUN.',
  },
  'lun-changed': {
    what: 'the target changed which volume answers at a LUN',
    advice:
      'Compare the identity of each disk (lunkeeper doctor) before anything writes. Never assign a LUN in use to another volume.',
  },
  'target-error': {
    what: 'the target refused commands as illegal (critical target error)',
    advice:
      'Compare size and identity of the disk with the volume on the target (lunkeeper doctor); no hold prevents this.',
  },
  'paths-lost': {
    what: 'a multipath map had no usable path',
    advice:
      'I/O of the map is queued for as long as no_path_retry allows, then fails: set it longer than the outage (lunkeeper hold NAME --set).',
  },
  'queueing-ended': {
    what: 'multipathd stopped queueing while no path was usable, so I/O of the map failed',
    advice:
      'Set no_path_retry to queue, or so that retries times polling_interval exceed the outage (lunkeeper hold NAME --set).',
  },
  'path-swapped': {
    what: 'another volume answered on a path of a multipath map',
    advice: 'Never assign a LUN in use to another volume; set recheck_wwid yes.',
  },
  'hung-task': {
    what: 'tasks were blocked on I/O for longer than kernel.hung_task_timeout_secs',
    advice:
      'During a hold this is expected, and harmful only with kernel.hung_task_panic=1. Without an outage, the storage is too slow.',
  },
  'mount-failed': {
    what: 'the kubelet could not mount a volume',
    advice: 'The message contains the reason; lunkeeper volumes and lunkeeper doctor on that node show more.',
  },
  'attached-elsewhere': {
    what: 'the volume is still attached to another node',
    advice:
      'Wait until it is detached there. If that node is dead, mark it out of service (node.kubernetes.io/out-of-service).',
  },
  'login-refused': {
    what: 'a login was refused (CHAP or access list)',
    advice: 'Compare initiator name, user and password on both sides; retries do not help.',
  },
  'target-not-found': {
    what: 'the target does not have this name, or hides it from this initiator',
    advice:
      'Compare the name with the configuration of the target, and its access list with the name of this initiator. If the volume was deleted, log out of it and remove its node record (iscsiadm -m node -T NAME -u, then -o delete): iscsid retries without a limit.',
  },
  'target-unavailable': {
    what: 'the target answered that it cannot serve the login now',
    advice:
      'Check the log and the configuration of the target: it is starting, failing over or out of resources, or (LIO) it has no enabled portal group of this name.',
  },
  'portal-unreachable': {
    what: 'no connection to a portal, and the session of an outage does not explain it',
    advice:
      'Check that the target listens there (ss -lnt), then the firewall, routes and the resolution of its name. Remove portals that no longer exist from the node records.',
  },
  'target-logout': {
    what: 'the target ended sessions (asynchronous message)',
    advice:
      'The target was restarted, failed over or moved the session to another portal: check its log. The initiator logs in again.',
  },
  'login-failed': {
    what: 'a login to the target failed',
    advice: 'Check the log of the target at that time.',
  },
  'target-unconfigured': {
    what: 'the target has no such name or portal group (target side)',
    advice:
      "The target's configuration was not loaded, or its portal group is disabled: restore it (targetcli restoreconfig) before the service counts as started.",
  },
  'initiator-refused': {
    what: 'the target does not admit this initiator (target side)',
    advice: 'Add the initiator to the access list of the portal group.',
  },
  'login-timeout': {
    what: 'logins were not completed in time (target side)',
    advice:
      'An initiator or the network dropped the connection, or the login thread is stuck: check the network, then the kernel of the target.',
  },
  'initiator-silent': {
    what: 'an initiator did not answer a ping (target side)',
    advice: 'Check the network between the two, and the load of the node.',
  },
  'target-aborts': {
    what: 'initiators aborted commands that took too long (target side)',
    advice: 'The storage behind the target is too slow: check its latency at that time.',
  },
  'target-closed': {
    what: 'connections of initiators were closed (target side)',
    advice: 'Check the network, and for restarts of nodes and target at that time.',
  },
  'target-io-error': {
    what: 'the storage behind the target failed (target side)',
    advice: 'Check the disk or file that backs the LUN, and its free space.',
  },
  'ping-timeout': {
    what: 'the target repeatedly answered pings too late, and was back within seconds',
    advice:
      'The target was slow, or the network dropped packets: raise node.conn[0].timeo.noop_out_timeout, and check latency and packet loss.',
  },
  'session-reset': {
    what: 'commands timed out and SCSI error handling dropped the session',
    advice:
      'The target answered pings but not commands: check its latency, or raise /sys/block/DISK/device/timeout (30 s).',
  },
  'not-iscsi': {
    what: 'a disk failed that is not an iSCSI volume',
    advice:
      'No iSCSI setting prevents this: check the disk (smartctl), its controller and its cable, and restore what it lost.',
  },
  'file-system': {
    what: 'a file system failed, and the log does not show why',
    advice: 'Check the lines right before it, and the log of the target. Unmount, check (fsck), mount.',
  },
  'io-error': {
    what: 'I/O failed, and the log does not show why',
    advice: 'Check the lines right before it, and whether the disk belongs to an iSCSI session at all.',
  },
} as const satisfies Readonly<Record<string, { what: string; advice: string }>>

/** A problem, other than an outage, that a log can show. */
export type CauseKind = keyof typeof CAUSES

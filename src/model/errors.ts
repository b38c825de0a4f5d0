/** Exit status of a command that fails: 1 the operation failed, 2 the request is invalid. */
export type ExitStatus = 1 | 2

interface Meaning {
  readonly exit: ExitStatus
  /** What the error means, for `docs/errors.md`. */
  readonly meaning: string
  /** What to do. Printed as the hint if the place that throws gives no better one. */
  readonly remedy: string
}

const wrong = (meaning: string, remedy: string): Meaning => ({ exit: 2, meaning, remedy })
const failed = (meaning: string, remedy: string): Meaning => ({ exit: 1, meaning, remedy })

/**
 * All error codes. Codes are a contract: they are never renamed or reused.
 * `docs/errors.md` is generated from this table.
 */
export const ERRORS = {
  USAGE: wrong('A flag or an argument is not valid.', 'See `lunkeeper COMMAND --help`.'),
  BAD_IQN: wrong(
    'The target name is not a valid iSCSI name.',
    'Give it as iqn.YYYY-MM.reversed.domain[:name], or eui./naa. with hexadecimal digits.',
  ),
  BAD_PORTAL: wrong(
    'A portal is not HOST[:PORT].',
    'Examples: 10.0.0.5, 10.0.0.5:3260, [fd00::5]:3260, san.example.',
  ),
  BAD_LUN: wrong(
    'The LUN is not a number that the kernel accepts.',
    'Give the LUN as the storage system shows it for this node: a number from 0 upwards.',
  ),
  BAD_WWID: wrong(
    'The WWID is not in a known format.',
    'Give naa.HEX, eui.HEX, t10.TEXT, or the format that scsi_id or multipath prints (3600…).',
  ),
  BAD_NAME: wrong(
    'The volume name contains characters that are not allowed.',
    'Use letters, digits, dots, dashes and underscores; at most 128 characters, starting with a letter or a digit.',
  ),
  BAD_HOLD: wrong('The hold is not a valid duration.', 'Examples: 300s, 10m, 1h30m, forever.'),
  BAD_MOUNT: wrong(
    'The mount point cannot be used.',
    'Give an absolute path to a directory that is empty or does not exist yet.',
  ),
  BAD_CHAP: wrong(
    'The CHAP file cannot be used.',
    'Use lines "username = NAME" and "password = SECRET"; for mutual CHAP also username_in and password_in. File mode 0600.',
  ),
  BAD_REQUEST: wrong(
    'Parts of the request contradict each other, or the volume file is malformed.',
    'Change the part that the message names.',
  ),
  BAD_CONFIG: wrong(
    'The configuration file cannot be read or is not valid. No defaults are used in its place.',
    'Correct the line that the message names; `lunkeeper agent --help` lists the fields.',
  ),
  NOT_FOUND: failed('No attached volume has this name, mount point or device.', 'See `lunkeeper volumes`.'),
  CONFLICT: failed(
    'The request contradicts an existing attachment.',
    'Detach that volume first, or repeat its existing settings.',
  ),
  ATTACHED_ALREADY: failed(
    'The same volume is already attached to this node under another name: through the same LUN, or through another LUN number, target name or array address.',
    'Use the attachment that the message names, or detach it first.',
  ),
  OWNED_ELSEWHERE: failed(
    'Another node, or other software, has the volume: it holds a persistent reservation.',
    'Detach it there first. If that node is dead or permanently cut off, use --take-over; its unwritten data is lost.',
  ),
  FENCED: failed(
    'This node has lost the volume to another node: this node no longer writes to it.',
    'Stop its users on this node, then detach it: `lunkeeper detach NAME --force`. See `lunkeeper owner NAME`.',
  ),
  OWNER_UNKNOWN: failed(
    'It cannot be determined now whether this node still owns the volume, so nothing is written to it.',
    '`lunkeeper owner NAME` shows each source that was asked, and its answer. If you know that no other node has had the volume: run the same `lunkeeper attach` with `--take-over`, which continues with it. Otherwise `lunkeeper detach NAME --force`, which discards the unwritten data of this node.',
  ),
  LOCKED: failed(
    'Another operation is in progress on the same volume or target.',
    'Wait for it to finish; the message names its process.',
  ),
  BUSY: failed(
    'The volume is in use.',
    'Stop the processes that the message names, then run the command again.',
  ),
  PORTAL_UNREACHABLE: failed(
    'There is no route to the portal, or its name does not resolve.',
    'Check the address, name resolution, routes and firewalls.',
  ),
  PORTAL_REFUSED: failed(
    'The portal refuses connections.',
    'Check that the target service is running and listens on this address and port.',
  ),
  PORTAL_SILENT: failed(
    'The portal does not answer.',
    'Check the address, routes and firewalls, and whether the storage system is up.',
  ),
  TARGET_NOT_FOUND: failed(
    'The portal answers, but does not offer this target to this initiator.',
    "Check the IQN, and that the target's access list contains the name in /etc/iscsi/initiatorname.iscsi.",
  ),
  TARGET_AWAY: failed(
    'The target is not reachable, and the request needs it.',
    'Wait until the target is back, then run the command again.',
  ),
  CHAP_FAILED: failed(
    'The target rejected the CHAP credentials, or did not authenticate itself.',
    'Check user names and secrets on both sides. Lunkeeper does not retry automatically.',
  ),
  LOGIN_FAILED: failed(
    'The iSCSI login failed.',
    'The message contains the reason given by open-iscsi; see also the iscsid log.',
  ),
  LUN_ABSENT: failed(
    'The target does not present this LUN to this node.',
    'Map the LUN to this initiator on the storage system, and check the LUN number.',
  ),
  DISK_MISSING: failed(
    'The kernel found the LUN but did not create a disk for it in time.',
    'Check the kernel log, that the LUN is a disk, and that the sd module is loaded.',
  ),
  IDENTITY_MISMATCH: failed(
    'The LUN is not the expected volume.',
    'Do not force it. Check which volume the storage system maps to this LUN.',
  ),
  IDENTITY_UNREADABLE: failed(
    "The volume's identity could not be read, so nothing was changed.",
    'Check that the target is reachable. Some targets must be configured to give LUNs a serial number or WWID.',
  ),
  PROOF_EXPIRED: failed(
    'The identity check was too old, or was made for another device, so the write was refused.',
    'Nothing was changed. Run the command again; if that does not help, please report it.',
  ),
  STALE_DISK: failed(
    'This LUN still has a disk of a previous volume, and that disk is in use.',
    'Stop its users and detach it. Do not trust its data: the LUN may already be another volume.',
  ),
  NOT_BLANK: failed(
    'The volume is not proven blank, so it was not formatted.',
    'Leave out --format to use the existing contents. To destroy them, wipe the device yourself (wipefs -a, blkdiscard -z).',
  ),
  NO_FILESYSTEM: failed(
    'The volume has no file system to mount.',
    'If the volume is new, add --format to create a file system.',
  ),
  FS_MISMATCH: failed(
    'The volume has a different file system than requested.',
    'Leave out --fs, or name the existing file system.',
  ),
  FS_DAMAGED: failed(
    'The file system check found damage that it does not repair automatically.',
    'Detach, take a snapshot on the storage system, then run the check by hand.',
  ),
  WRITE_PROTECTED: failed(
    'The volume is read-only but writing was requested, or the other way round.',
    'Add --read-only, or allow this node to write on the storage system.',
  ),
  MOUNT_FAILED: failed(
    'The file system could not be mounted.',
    'The message contains the output of mount; see also the kernel log.',
  ),
  UNMOUNT_FAILED: failed(
    'The file system could not be unmounted.',
    'The message contains the output of umount.',
  ),
  MAP_FAILED: failed(
    'A device-mapper map (hold map or multipath map) could not be created, changed or removed.',
    'See the message; `dmsetup table` and the kernel log show hold maps, `multipath -ll` multipath maps.',
  ),
  FLUSH_FAILED: failed(
    'The device did not confirm that all data is written.',
    'Keep the volume attached until the target is healthy. --force discards the unwritten data.',
  ),
  SHRUNK: failed(
    'The LUN is smaller than before.',
    'Nothing was changed. Restore the previous size on the storage system before anything is written.',
  ),
  RESIZE_FAILED: failed(
    'The LUN grew, but the map or file system on it did not.',
    'The message contains the output of the tool. Fix the cause, then run expand again.',
  ),
  ISCSID_DOWN: failed('iscsid does not answer.', 'Start it: systemctl start iscsid (or open-iscsi).'),
  DATABASE_FAILED: failed(
    'The open-iscsi node database cannot be used.',
    'Check /etc/iscsi or /var/lib/iscsi: free space, permissions, damaged records.',
  ),
  PROGRAM_MISSING: failed(
    'A required program is not installed.',
    'Install the package that the message names.',
  ),
  MODULE_MISSING: failed(
    'A required kernel module is missing.',
    'Run modprobe iscsi_tcp, or install the kernel package that contains it.',
  ),
  LOG_UNREADABLE: failed(
    'The log file cannot be read.',
    'Give the path of a log file, or pipe one in: journalctl | lunkeeper explain -',
  ),
  OUTPUT_UNWRITABLE: failed(
    'The output of a command cannot be written: the report file, or standard output.',
    'Give the path of a file in an existing, writable directory with free space.',
  ),
  DRILL_FAILED: failed(
    'The drill did not finish.',
    'The message contains the output of the lab. A drill runs in a checkout, which downloads Node 24 (`npm run build`). It needs Linux on x86-64 and 1.5 GB of memory; the first run also needs a Debian mirror.',
  ),
  NO_PERMISSION: failed('This needs root.', 'Run it as root (sudo).'),
  NO_SPACE: failed(
    'There is no space for a record or a note of Lunkeeper.',
    'Free space in the directory that the message names: of the records (default: /var/lib/lunkeeper), or the runtime directory (default: /run/lunkeeper).',
  ),
  RECORD_UNWRITABLE: failed(
    'A record, a note, a lock or the history of Lunkeeper cannot be read or written.',
    'Check the directory that the message names: of the records (default: /var/lib/lunkeeper), or the runtime directory (default: /run/lunkeeper).',
  ),
  RECORD_CORRUPT: failed(
    'An attachment record cannot be parsed. Its contents are not guessed.',
    'Detach by mount point or device, then move the file away.',
  ),
  RECORD_NEWER: failed(
    'A newer version of Lunkeeper wrote the record of a volume, and this version does not understand it.',
    'Use that version of Lunkeeper on this node. Do not move or change the file: it says which volume this is.',
  ),
  STUCK: failed(
    'A kernel operation is hung. It was abandoned and blocks nothing else.',
    'The operation ends when the target is back or its session ends. Then run the command again.',
  ),
  TIMEOUT: failed(
    'An operation exceeded its time limit.',
    'Run the command again; it resumes where this run stopped.',
  ),
  LEFT_BEHIND: failed(
    'Some resources could not be removed.',
    'The message lists what is left. Fix the cause, then run the command again.',
  ),
  CANCELLED: failed('The command was interrupted.', 'Run it again; it resumes where this run stopped.'),
  INTERNAL: failed(
    'A bug in Lunkeeper.',
    'Please report it, with the output of the command run with --verbose.',
  ),
} as const satisfies Record<string, Meaning>

/** A stable code: one of {@link ERRORS}. */
export type ErrorCode = keyof typeof ERRORS

/** The only error class that Lunkeeper throws deliberately. Message and hint never contain a secret. */
export class LunkeeperError extends Error {
  override readonly name = 'LunkeeperError'
  readonly code: ErrorCode
  readonly hint: string
  /** Facts for `--json` and for programs: small, printable, no secrets. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? ERRORS[code].remedy
    this.details = options.details ?? {}
  }

  get exitStatus(): ExitStatus {
    return ERRORS[this.code].exit
  }
}

/** True if `error` is a LunkeeperError and, if codes are given, has one of them. */
export function isLunkeeperError(error: unknown, ...codes: ErrorCode[]): error is LunkeeperError {
  return error instanceof LunkeeperError && (codes.length === 0 || codes.includes(error.code))
}

/** How a failure ends the command: 1 it failed, 2 the request itself is wrong. */
export type ExitStatus = 1 | 2

interface Meaning {
  readonly exit: ExitStatus
  /** What it means, for the error page. */
  readonly meaning: string
  /** What to do, printed where the place of the failure gives no better hint. */
  readonly remedy: string
}

const wrong = (meaning: string, remedy: string): Meaning => ({ exit: 2, meaning, remedy })
const failed = (meaning: string, remedy: string): Meaning => ({ exit: 1, meaning, remedy })

/**
 * Every error code there is. Codes are a contract: they are never renamed or reused.
 * `docs/errors.md` is made from this table.
 */
export const ERRORS = {
  USAGE: wrong('A flag or an argument is not understood.', 'See `lunkeeper COMMAND --help`.'),
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
    'Give the number that the storage system shows for this node, from 0 upwards.',
  ),
  BAD_WWID: wrong(
    'The WWID is in no known form.',
    'Give naa.HEX, eui.HEX, t10.TEXT, or the form that scsi_id or multipath prints (3600…).',
  ),
  BAD_NAME: wrong(
    'The volume name has characters that a name cannot have.',
    'Use letters, digits, dot, dash and underscore; at most 128 characters, starting with a letter or a digit.',
  ),
  BAD_HOLD: wrong('The hold is not a length of time.', 'Examples: 300s, 10m, 1h, forever.'),
  BAD_MOUNT: wrong(
    'The mount point cannot be used.',
    'Give an absolute path to a directory that is empty or does not exist yet.',
  ),
  BAD_CHAP: wrong(
    'The CHAP file cannot be used.',
    'Lines "username = NAME" and "password = SECRET"; for mutual CHAP also username_in and password_in. Mode 0600.',
  ),
  BAD_REQUEST: wrong(
    'Parts of the request contradict each other, or the volume file is malformed.',
    'Change the part that the message names.',
  ),
  BAD_CONFIG: wrong(
    'The configuration cannot be read or understood, and nothing is guessed in its place.',
    'Change the line that the message names; `lunkeeper agent --help` has the fields.',
  ),
  NOT_FOUND: failed('No attachment goes by this name, mount point or device.', 'See `lunkeeper volumes`.'),
  CONFLICT: failed(
    'An attachment exists that this request contradicts.',
    'Detach that one first, or ask for what it already is.',
  ),
  ATTACHED_ALREADY: failed(
    'The same volume is attached to this node under another name: by another LUN number, target name or array address.',
    'Use the attachment that the message names, or detach it first.',
  ),
  OWNED_ELSEWHERE: failed(
    'Another node, or other software, has the volume: it holds a persistent reservation.',
    'Detach it there first. If that node is dead, or cut off for good: --take-over; what it has not written then is lost.',
  ),
  FENCED: failed(
    'This node has lost the volume to another node: nothing is written to it from here any more.',
    'Stop its users on this node, then detach it: `lunkeeper detach NAME --force`. See `lunkeeper owner NAME`.',
  ),
  OWNER_UNKNOWN: failed(
    'Nobody can tell now whether this node still owns the volume, so nothing is written to it.',
    'See `lunkeeper owner NAME` for who was asked and what they say.',
  ),
  LOCKED: failed(
    'Another operation works on the same volume or target.',
    'Wait for it to end; the message names its process.',
  ),
  BUSY: failed(
    'Somebody uses the volume.',
    'Stop the processes that the message names, then run the command again.',
  ),
  PORTAL_UNREACHABLE: failed(
    'There is no route to the portal, or its name does not resolve.',
    'Check address, name resolution, routes and firewalls.',
  ),
  PORTAL_REFUSED: failed(
    'The portal refuses connections.',
    'Is the target service running, and does it listen at this address and port?',
  ),
  PORTAL_SILENT: failed(
    'The portal does not answer.',
    'Check address, routes, firewalls, and whether the storage system is alive.',
  ),
  TARGET_NOT_FOUND: failed(
    'The portal answers, but does not offer this target to this initiator.',
    'Check the IQN, and that the target admits the name in /etc/iscsi/initiatorname.iscsi.',
  ),
  TARGET_AWAY: failed(
    'The target is not reachable now, and the request needs it.',
    'Wait until the target is back.',
  ),
  CHAP_FAILED: failed(
    'The target did not accept the CHAP credentials, or did not prove its own.',
    'Check user names and secrets of both sides; nothing is tried again by itself.',
  ),
  LOGIN_FAILED: failed(
    'The login did not work.',
    'The message has the reason that open-iscsi gives; see also the log of iscsid.',
  ),
  LUN_ABSENT: failed(
    'The target has no such LUN for this node.',
    'Map the LUN to this initiator on the storage system; check the number.',
  ),
  DISK_MISSING: failed(
    'The kernel found the LUN but made no disk of it in time.',
    'See the kernel log; is the LUN a disk, and is the sd module loaded?',
  ),
  IDENTITY_MISMATCH: failed(
    'The LUN is another volume than the one expected.',
    'Do not force it. Check which volume the storage system maps at this LUN.',
  ),
  IDENTITY_UNREADABLE: failed(
    'The volume did not tell its identity, and without it nothing is done.',
    'Is the target reachable? Some targets must be told to give LUNs a serial or WWID.',
  ),
  PROOF_EXPIRED: failed(
    'The check of which volume answers was too old, or of another device, to write on the strength of it.',
    'Nothing was changed. Run the command again; if that does not help, please report it.',
  ),
  STALE_DISK: failed(
    'A disk of a former volume stands at this LUN and is in use.',
    "Stop its users and detach it; its data may already be another volume's.",
  ),
  NOT_BLANK: failed(
    'The volume is not proven blank, so it is not formatted.',
    'Leave out --format to use what is there; to destroy it, wipe it yourself (wipefs -a, blkdiscard -z).',
  ),
  NO_FILESYSTEM: failed(
    'The volume holds no file system to mount.',
    'Add --format to make one, if the volume is meant to be new.',
  ),
  FS_MISMATCH: failed(
    'The volume holds another file system than asked for.',
    'Leave out --fs, or name the file system that is there.',
  ),
  FS_DAMAGED: failed(
    'The file system check found damage it does not repair by itself.',
    'Detach, take a snapshot on the storage system, then run the check by hand.',
  ),
  WRITE_PROTECTED: failed(
    'The volume can only be read, and writing was asked for; or the other way round.',
    'Add --read-only, or have the storage system let this node write.',
  ),
  MOUNT_FAILED: failed(
    'The mount did not work.',
    'The message has what mount said; see also the kernel log.',
  ),
  UNMOUNT_FAILED: failed('The unmount did not work.', 'The message has what umount said.'),
  MAP_FAILED: failed(
    'The multipath map was not made or not removed.',
    'See `multipath -ll` and the log of multipathd.',
  ),
  FLUSH_FAILED: failed(
    'The device did not confirm that all data is on it.',
    'Keep the volume attached until the target is healthy; --force gives the unwritten data up.',
  ),
  SHRUNK: failed(
    'The LUN is smaller than before.',
    'Nothing was changed. Make it as large as it was, on the storage system, before anything is written.',
  ),
  RESIZE_FAILED: failed(
    'The LUN grew but what stands on it did not.',
    'The message has what the tool said; run expand again after mending it.',
  ),
  ISCSID_DOWN: failed('iscsid does not answer.', 'Start it: systemctl start iscsid (or open-iscsi).'),
  DATABASE_FAILED: failed(
    'The node database of open-iscsi cannot be used.',
    'Check /etc/iscsi or /var/lib/iscsi: space, permissions, damaged records.',
  ),
  PROGRAM_MISSING: failed(
    'A program that is needed is not installed.',
    'Install the package that the message names.',
  ),
  MODULE_MISSING: failed(
    'The kernel lacks a module that is needed.',
    'modprobe iscsi_tcp, or install the kernel package that has it.',
  ),
  LOG_UNREADABLE: failed(
    'The log to be explained cannot be read.',
    'Give the path of a log file, or pipe one in: journalctl | lunkeeper explain -',
  ),
  OUTPUT_UNWRITABLE: failed(
    'What a command has to say cannot be written: the file of a report, or standard output.',
    'Give a file in a directory that exists, may be written to and has room.',
  ),
  DRILL_FAILED: failed(
    'A drill could not be played to its end.',
    'The message has what the lab said. It needs Linux on x86-64, Node 24, 1.5 GB of memory, and for its first run a Debian mirror.',
  ),
  NO_PERMISSION: failed('This needs root.', 'Run it as root (sudo).'),
  NO_SPACE: failed(
    'There is no space for the record of the attachment.',
    'Free space where the records are (by default /var/lib/lunkeeper).',
  ),
  RECORD_UNWRITABLE: failed(
    'The record of the attachment cannot be written.',
    'Check the directory of the records (by default /var/lib/lunkeeper).',
  ),
  RECORD_CORRUPT: failed(
    'A record cannot be understood, and nothing is guessed from it.',
    'Detach by mount point or device; then move the file away.',
  ),
  STUCK: failed(
    'The kernel does not come back from an operation; it was left behind and hinders nobody.',
    'It ends when the target is back or its session ends. Then run the command again.',
  ),
  TIMEOUT: failed(
    'Something took longer than it may.',
    'Run the command again; it goes on where this one stopped.',
  ),
  LEFT_BEHIND: failed(
    'Something could not be removed.',
    'The message lists what is left; run the command again when the cause is gone.',
  ),
  CANCELLED: failed('The command was told to stop.', 'Run it again; it goes on where this one stopped.'),
  INTERNAL: failed(
    'A mistake in Lunkeeper itself.',
    'Please report it, with the output of the command run with --verbose.',
  ),
} as const satisfies Record<string, Meaning>

export type ErrorCode = keyof typeof ERRORS

/** The only error that this program throws on purpose. Message and hint never hold a secret. */
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

/** True where `error` is ours and, if codes are given, has one of them. */
export function isLunkeeperError(error: unknown, ...codes: ErrorCode[]): error is LunkeeperError {
  return error instanceof LunkeeperError && (codes.length === 0 || codes.includes(error.code))
}

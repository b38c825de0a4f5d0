import { FILE_SYSTEMS, HOLD_MODES } from '../../model/request.ts'
import type { Option } from '../command.ts'

/** How it is held: also for all volumes of a node that do not say, in its configuration. */
export const HOLD_OPTIONS = [
  {
    name: 'hold',
    section: 'While the target is away',
    value: 'TIME',
    help: 'How long I/O waits while the target is away, before it fails: 300s, 10m, 1h, forever. Default: 10m.',
  },
  {
    name: 'hold-mode',
    section: 'While the target is away',
    value: 'MODE',
    choices: HOLD_MODES,
    help: 'What keeps I/O waiting: auto, map, session or multipathd. Default: auto.',
  },
] as const satisfies readonly Option[]

/** What describes a volume, as flags of `attach` and as fields of a volume file alike. */
export const VOLUME_OPTIONS = [
  {
    name: 'portal',
    section: 'Which volume',
    value: 'HOST[:PORT]',
    repeated: true,
    help: 'Where the target listens; port 3260 unless given. Several are several paths to the same LUN.',
  },
  { name: 'iqn', section: 'Which volume', value: 'IQN', help: "The target's name." },
  {
    name: 'lun',
    section: 'Which volume',
    value: 'N',
    help: 'The LUN, as the storage system shows it for this node.',
  },
  {
    name: 'name',
    section: 'Which volume',
    value: 'NAME',
    help: "What to call the volume on this node. Default: the end of the target's name, and the LUN.",
  },
  {
    name: 'wwid',
    section: 'What it must prove to be',
    value: 'WWID',
    help: 'The WWID that the volume must have (naa.…, 3600…). Default: learned at first use.',
  },
  {
    name: 'serial',
    section: 'What it must prove to be',
    value: 'SERIAL',
    help: 'The serial number that the volume must have. Default: learned at first use.',
  },
  ...HOLD_OPTIONS,
  {
    name: 'mount',
    section: 'How it is used',
    value: 'DIR',
    completes: 'directory',
    help: 'Mount it there; made if it does not exist. Default: a raw disk, not mounted.',
  },
  {
    name: 'fs',
    section: 'How it is used',
    value: 'TYPE',
    choices: FILE_SYSTEMS,
    help: 'The file system that must be there, or with --format is made: ext4 or xfs. Default: what is there; ext4.',
  },
  {
    name: 'format',
    section: 'How it is used',
    help: 'Make a file system, but only on a volume that is proven blank.',
  },
  { name: 'read-only', section: 'How it is used', help: 'Write nothing to it.' },
  {
    name: 'shared',
    section: 'How it is used',
    help: 'Several nodes use the volume at once, with a cluster file system or the like on it. Without this flag, a volume has one writing node, and the target refuses the writes of others.',
  },
  {
    name: 'mount-option',
    section: 'How it is used',
    value: 'OPTION',
    repeated: true,
    help: 'An option of mount(8), for example noatime. One a flag.',
  },
  {
    name: 'chap-file',
    section: 'Credentials',
    value: 'FILE',
    completes: 'file',
    help: 'CHAP credentials, in lines "username = NAME" and "password = SECRET"; for mutual CHAP also username_in and password_in. "-" is stdin, "fd:3" an open descriptor.',
  },
] as const satisfies readonly Option[]

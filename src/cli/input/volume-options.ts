import { FILE_SYSTEMS, HOLD_MODES } from '../../model/request.ts'
import type { Option } from '../command.ts'

/** How I/O of the volume is held. In the configuration file, these are the defaults for all volumes of the node. */
export const HOLD_OPTIONS = [
  {
    name: 'hold',
    section: 'During an outage',
    value: 'TIME',
    help: 'How long I/O is held during an outage before it fails: 300s, 10m, 1h, forever. Default: 10m.',
  },
  {
    name: 'hold-mode',
    section: 'During an outage',
    value: 'MODE',
    choices: HOLD_MODES,
    help: 'What holds the I/O: auto, map, session or multipathd. Default: auto.',
  },
] as const satisfies readonly Option[]

/** The description of a volume: flags of `attach`, and fields of a volume file. */
export const VOLUME_OPTIONS = [
  {
    name: 'portal',
    section: 'Target',
    value: 'HOST[:PORT]',
    repeated: true,
    help: 'Portal of the target; the port defaults to 3260. Several portals are several paths to the same LUN.',
  },
  { name: 'iqn', section: 'Target', value: 'IQN', help: 'Name of the target.' },
  {
    name: 'lun',
    section: 'Target',
    value: 'N',
    help: 'LUN number, as the storage system shows it for this node.',
  },
  {
    name: 'name',
    section: 'Target',
    value: 'NAME',
    help: "Name of the volume on this node. Default: derived from the end of the target's name and the LUN.",
  },
  {
    name: 'wwid',
    section: 'Identity',
    value: 'WWID',
    help: 'Required WWID of the volume (naa.…, 3600…). Default: learned on first use.',
  },
  {
    name: 'serial',
    section: 'Identity',
    value: 'SERIAL',
    help: 'Required serial number of the volume. Default: learned on first use.',
  },
  ...HOLD_OPTIONS,
  {
    name: 'mount',
    section: 'Use',
    value: 'DIR',
    completes: 'directory',
    help: 'Mount point; created if it does not exist. Default: not mounted, a raw disk.',
  },
  {
    name: 'fs',
    section: 'Use',
    value: 'TYPE',
    choices: FILE_SYSTEMS,
    help: 'File system that must exist, or that --format creates: ext4 or xfs. Default: the existing one; ext4 with --format.',
  },
  {
    name: 'format',
    section: 'Use',
    help: 'Create a file system, but only on a volume that is proven blank.',
  },
  { name: 'read-only', section: 'Use', help: 'Attach read-only.' },
  {
    name: 'shared',
    section: 'Use',
    help: 'Several nodes use the volume at the same time, for example with a cluster file system. Without this flag, only one node can write to the volume: the target rejects writes from others.',
  },
  {
    name: 'mount-option',
    section: 'Use',
    value: 'OPTION',
    repeated: true,
    help: 'A mount(8) option, for example noatime. One option per flag.',
  },
  {
    name: 'chap-file',
    section: 'Credentials',
    value: 'FILE',
    completes: 'file',
    help: 'CHAP credentials, in lines "username = NAME" and "password = SECRET"; for mutual CHAP also username_in and password_in. "-" is stdin, "fd:3" an open descriptor.',
  },
] as const satisfies readonly Option[]

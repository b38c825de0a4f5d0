import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../host.ts'
import { HOLD_PREFIX } from '../read/maps.ts'

/** udevd reloads its rules within milliseconds. */
const RELOAD_DEADLINE_MS = 10_000

/** The directory with a file for each disk below a hold map, named as udev sees it: session2/3:0:0:5 (host/disk/path-mark.ts). */
export const PATH_MARKS = '/run/lunkeeper/paths'

/** The argument of a synthetic event that makes udev read a hold map, once (host/map/offer.ts). */
export const PROBE = 'LUNKEEPER=probe'

// A worker of udev that reads a map without a path blocks for as long as the map holds I/O. So only one marked event, sent
// while a path is proven, makes udev read a map for LVM and others. Later events keep the result, as in multipath-tools
// (56-dm-mpath.rules): without its link systemd would consider the device gone and unmount it.
const MAP = `LABEL="lunkeeper_map"
OPTIONS:="nowatch"
ENV{SYNTH_ARG_LUNKEEPER}=="probe", ATTR{dm/suspended}=="0", ENV{DM_NOSCAN}="", ENV{.DM_NOSCAN}="", ENV{DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG}="", ENV{DM_UDEV_DISABLE_DISK_RULES_FLAG}="", ENV{DM_UDEV_DISABLE_OTHER_RULES_FLAG}="", ENV{DM_UDEV_PRIMARY_SOURCE_FLAG}="1", ENV{DM_ACTIVATION}="1", GOTO="lunkeeper_end"
ENV{DM_NOSCAN}="1", ENV{.DM_NOSCAN}="1", ENV{DM_UDEV_DISABLE_DISK_RULES_FLAG}="1", ENV{DM_UDEV_DISABLE_OTHER_RULES_FLAG}="1"
IMPORT{db}="ID_FS_TYPE"
IMPORT{db}="ID_FS_USAGE"
IMPORT{db}="ID_FS_UUID"
IMPORT{db}="ID_FS_UUID_ENC"
IMPORT{db}="ID_FS_LABEL"
IMPORT{db}="ID_FS_LABEL_ENC"
IMPORT{db}="ID_FS_VERSION"
ENV{ID_FS_USAGE}=="filesystem|other|crypto", ENV{ID_FS_UUID_ENC}=="?*", SYMLINK+="disk/by-uuid/$env{ID_FS_UUID_ENC}"
ENV{ID_FS_USAGE}=="filesystem|other|crypto", ENV{ID_FS_LABEL_ENC}=="?*", SYMLINK+="disk/by-label/$env{ID_FS_LABEL_ENC}"
ENV{ID_FS_TYPE}=="LVM2_member", ENV{ID_FS_UUID_ENC}=="?*", SYMLINK+="disk/by-id/lvm-pv-uuid-$env{ID_FS_UUID_ENC}"
`

const IS_MAP = `ACTION=="remove", GOTO="lunkeeper_end"
SUBSYSTEM!="block", GOTO="lunkeeper_end"
KERNEL=="dm-*", ATTR{dm/uuid}=="${HOLD_PREFIX}*", GOTO="lunkeeper_map"
`

const END = `LABEL="lunkeeper_end"
`

// Device-mapper allows several maps on one disk, so a logical volume on the disk could be active beside the hold map. With
// these properties udev does not run blkid on the disk (60-persistent-storage.rules), and tools that activate by type find
// nothing.
const PATH = `# A disk below a hold map, and its partitions, must not be used by anything else.
KERNEL!="sd*", GOTO="lunkeeper_end"
KERNELS=="session[0-9]*", ENV{.LUNKEEPER_SESSION}="$id"
ENV{.LUNKEEPER_SESSION}!="?*", GOTO="lunkeeper_end"
SUBSYSTEMS=="scsi", KERNELS=="[0-9]*:[0-9]*", IMPORT{file}="${PATH_MARKS}/$env{.LUNKEEPER_SESSION}/$id"
ENV{LUNKEEPER_PATH}!="?*", GOTO="lunkeeper_end"
ENV{UDEV_DISABLE_PERSISTENT_STORAGE_BLKID_FLAG}="1", ENV{SYSTEMD_READY}="0", ENV{UDISKS_IGNORE}="1", OPTIONS:="nowatch"
ENV{LUNKEEPER_PATH}=="hold", ENV{nompath}="1"
GOTO="lunkeeper_end"
`

// multipathd ignores a disk without the properties SCSI_IDENT_* and ID_WWN (multipath.conf(5): blacklist_exceptions,
// property). They are cleared after udev has created the links that are named after them. An old udev has already read the
// disk's contents.
const IDENTS = [
  ...['', '_LUN', '_PORT', '_TARGET'].map((of) => `SCSI_IDENT${of}_NAME`),
  ...['NAA_REG', 'NAA_REGEXT', 'NAA_EXT', 'NAA_LOCAL', 'EUI64', 'T10', 'VENDOR', 'UUID', 'MD5'].map(
    (of) => `SCSI_IDENT_LUN_${of}`,
  ),
  ...['RELATIVE', 'TARGET_PORT_GROUP', 'NAA_REG', 'NAA_REGEXT', 'NAA_EXT'].map(
    (of) => `SCSI_IDENT_PORT_${of}`,
  ),
  'SCSI_IDENT_SERIAL',
  'SCSI_IDENT_LUN_LOGICAL_UNIT_GROUP',
  'ID_WWN',
  'ID_WWN_WITH_EXTENSION',
]
const LATE = `ACTION=="remove", GOTO="lunkeeper_end"
SUBSYSTEM!="block", GOTO="lunkeeper_end"
ENV{LUNKEEPER_PATH}!="?*", GOTO="lunkeeper_end"
ENV{DM_MULTIPATH_DEVICE_PATH}="1", ENV{SYSTEMD_READY}="0"
ENV{ID_FS_TYPE}="mpath_member", ENV{ID_FS_USAGE}="", ENV{ID_FS_UUID}="", ENV{ID_FS_UUID_ENC}="", ENV{ID_FS_LABEL}="", ENV{ID_FS_LABEL_ENC}=""
ENV{LUNKEEPER_PATH}!="hold", GOTO="lunkeeper_end"
${IDENTS.map((name) => `ENV{${name}}=""`).join('\n')}
`

const HEAD =
  '# Made by Lunkeeper: keeps udev, and what it starts, off hold maps and off the disks below them.\n'

// Rules that identify the map are numbered 10 (device-mapper) or 55 (Debian); rules that read the device 13 and 60; rules
// that activate by type 63 and above; multipath-tools' rules 60 or 62.
const RULES = {
  '12-lunkeeper.rules': `${HEAD}${IS_MAP}${PATH}${MAP}${END}`,
  '56-lunkeeper.rules': `${HEAD}${IS_MAP}GOTO="lunkeeper_end"\n${MAP}${END}`,
  '62-zz-lunkeeper.rules': `${HEAD}${LATE}${END}`,
}

/** The installation in progress; callers at the same time wait for it. */
const reloading = new WeakMap<Host, Promise<void>>()

/** Installs rules that make udev ignore hold maps and their disks, once per boot. If that fails, the maps still work. */
export function keepUdevOff(host: Host): Promise<void> {
  const running = reloading.get(host) ?? install(host).finally(() => reloading.delete(host))
  reloading.set(host, running)
  return running
}

/** Whether the rules of this version are installed. */
export function hasUdevRules({ paths }: Host): boolean {
  const directory = join(paths.root, 'run/udev/rules.d')
  return Object.entries(RULES).every(([name, text]) => hasText(join(directory, name), text))
}

async function install(host: Host): Promise<void> {
  const directory = join(host.paths.root, 'run/udev/rules.d')
  const missing = Object.entries(RULES).filter(([name, text]) => !hasText(join(directory, name), text))
  if (missing.length === 0) return
  try {
    mkdirSync(directory, { recursive: true })
    for (const [name, text] of missing) writeFileSync(join(directory, name), text)
  } catch {
    return
  }
  await host.run('udevadm', ['control', '--reload'], { deadline: RELOAD_DEADLINE_MS }).catch(() => {})
}

/** Whether a file has this text; the rules of another version differ. */
function hasText(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8') === text
  } catch {
    return false
  }
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Host } from '../host.ts'
import { HOLD_PREFIX } from '../read/maps.ts'

const RELOAD_DEADLINE_MS = 10_000

/** Directory with a file for each disk below a hold map, as udev sees it: session2/3:0:0:5 (host/disk/path-mark.ts). */
export const PATH_MARKS = '/run/lunkeeper/paths'

/** The argument of a synthetic event that makes udev read a hold map, once (host/map/offer.ts). */
export const PROBE = 'LUNKEEPER=probe'

// A worker of udev that reads a map without a path blocks as long as the map holds. LVM and others learn of a map's
// contents by the one marked event, which is sent while a path is proven; the result is kept, as in multipath-tools
// (56-dm-mpath.rules): without its link, systemd would consider a device gone and unmount it.
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

// Device-mapper allows any number of maps on one disk, so a logical volume on the disk would be beside the hold map.
// blkid skips such a disk (60-persistent-storage.rules), so tools that activate by type find nothing.
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

// multipathd ignores a disk without properties SCSI_IDENT_* and ID_WWN (multipath.conf(5): blacklist_exceptions,
// property). Links of these names were created before. An old udev has already read the disk's contents.
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

// The rules that identify the map are at 10 as device-mapper ships them and at 55 in Debian; those that read the device
// at 13 and at 60. Rules that activate by type are at 63 and above, multipath-tools at 60 or 62.
const RULES = {
  '12-lunkeeper.rules': `${HEAD}${IS_MAP}${PATH}${MAP}${END}`,
  '56-lunkeeper.rules': `${HEAD}${IS_MAP}GOTO="lunkeeper_end"\n${MAP}${END}`,
  '62-zz-lunkeeper.rules': `${HEAD}${LATE}${END}`,
}

/** The reload in progress, which paths that are created at the same time also wait for. */
const reloading = new WeakMap<Host, Promise<void>>()

/** Makes udev ignore hold maps and their disks; once per boot. If udev cannot be told, the maps still work. */
export function keepUdevOff(host: Host): Promise<void> {
  const running = reloading.get(host) ?? install(host).finally(() => reloading.delete(host))
  reloading.set(host, running)
  return running
}

/** Whether the rules of this version are where udev reads them. */
export function hasUdevRules({ paths }: Host): boolean {
  const directory = join(paths.root, 'run/udev/rules.d')
  return Object.entries(RULES).every(([name, text]) => isThere(join(directory, name), text))
}

async function install(host: Host): Promise<void> {
  const directory = join(host.paths.root, 'run/udev/rules.d')
  const missing = Object.entries(RULES).filter(([name, text]) => !isThere(join(directory, name), text))
  if (missing.length === 0) return
  try {
    mkdirSync(directory, { recursive: true })
    for (const [name, text] of missing) writeFileSync(join(directory, name), text)
  } catch {
    return
  }
  await host.run('udevadm', ['control', '--reload'], { deadline: RELOAD_DEADLINE_MS }).catch(() => {})
}

/** Another version's rules differ. */
function isThere(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8') === text
  } catch {
    return false
  }
}

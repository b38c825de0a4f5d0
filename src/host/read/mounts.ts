import type { Mount } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { readText } from './attribute.ts'

/** The host's mounts, in the order in which they were made (the last on a point is the one seen). */
export function readMounts(paths: HostPaths): Mount[] {
  return readMountTable(paths.mountinfo)
}

/** The mounts of one namespace, from the mountinfo of any process in it. */
export function readMountTable(mountinfo: string): Mount[] {
  return parseMountTable(readText(mountinfo) ?? '')
}

/** Lines that make no sense are left out. Format: proc_pid_mountinfo(5), fs/proc_namespace.c:show_mountinfo. */
export function parseMountTable(table: string): Mount[] {
  return table.split('\n').flatMap((line) => parseLine(line) ?? [])
}

//   36 35 98:0 /root /point rw,noatime shared:1 master:2 - ext3 /dev/source rw,errors=continue
function parseLine(line: string): Mount | null {
  // Not at runs of blanks: an empty source stands between two of them.
  const fields = line.split(' ')
  const separator = fields.indexOf('-', 6)
  if (separator < 0) return null
  const [, , devno = '', root = '', point = '', options = ''] = fields
  const [fs = '', source, superOptions = ''] = fields.slice(separator + 1)
  if (!/^\d+:\d+$/.test(devno) || !point.startsWith('/') || fs === '' || source === undefined) return null
  return {
    devno,
    point: unescape(point),
    root: unescape(root),
    fs: unescape(fs),
    source: unescape(source),
    options: options.split(','),
    superOptions: superOptions === '' ? [] : superOptions.split(','),
  }
}

// Blank, tab, newline, backslash and # are written in octal (fs/proc_namespace.c:mangle).
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Portal } from '../../model/portal.ts'
import type { Host } from '../host.ts'

// The default of the open-iscsi project; and that of Debian and Ubuntu up to open-iscsi 2.1.9.
const PLACES = ['var/lib/iscsi', 'etc/iscsi'] as const
// iscsid reads the same records, and has the directory's name in it even if iscsiadm is a wrapper script.
const PROGRAMS = ['iscsiadm', 'iscsid'].flatMap((name) =>
  ['usr/sbin', 'sbin', 'usr/bin'].map((directory) => `${directory}/${name}`),
)

const known = new WeakMap<Host, string>()

/**
 * The directory of open-iscsi's node records: /etc/iscsi/nodes or /var/lib/iscsi/nodes. It is compiled into iscsiadm, and
 * no option prints it, so it is read from the program file. (A machine that was upgraded has both directories, of which
 * only one is used.)
 */
export function nodeDatabase(host: Host): string {
  const found = known.get(host) ?? join(host.paths.root, compiledIn(host) ?? existing(host), 'nodes')
  known.set(host, found)
  return found
}

function compiledIn(host: Host): string | null {
  for (const program of PROGRAMS) {
    const path = join(host.paths.root, program)
    if (!existsSync(path)) continue
    const text = readFileSync(path)
    const place = PLACES.find((candidate) => text.includes(`/${candidate}/nodes`))
    if (place) return place
  }
  return null
}

function existing(host: Host): string {
  return PLACES.find((place) => existsSync(join(host.paths.root, place, 'nodes'))) ?? PLACES[0]
}

/** The sorted names in a directory; empty if the directory does not exist. */
export function entries(path: string): string[] {
  try {
    return readdirSync(path).toSorted()
  } catch {
    return []
  }
}

/** Portals that were used for discovery: open-iscsi keeps a file or directory ADDRESS,PORT for each. */
export function discoveryPortals(host: Host): Portal[] {
  return entries(join(dirname(nodeDatabase(host)), 'send_targets')).flatMap((name) => {
    const [address = '', port = ''] = name.split(',')
    return address !== '' && /^\d+$/.test(port) ? [{ host: address, port: Number(port) }] : []
  })
}

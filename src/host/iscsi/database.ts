import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Portal } from '../../model/portal.ts'
import type { Host } from '../host.ts'

// Upstream's default, and Debian's and Ubuntu's until open-iscsi 2.1.9.
const PLACES = ['var/lib/iscsi', 'etc/iscsi'] as const
// iscsid reads the same records, and identifies the directory if iscsiadm is a wrapper script.
const PROGRAMS = ['iscsiadm', 'iscsid'].flatMap((name) =>
  ['usr/sbin', 'sbin', 'usr/bin'].map((directory) => `${directory}/${name}`),
)

const known = new WeakMap<Host, string>()

/**
 * The directory of open-iscsi's node records: /etc/iscsi/nodes or /var/lib/iscsi/nodes. It is fixed when iscsiadm is
 * compiled and no option prints it, so it is read from the program file itself. (A machine that was upgraded has both
 * directories, and only one of them is used.)
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

/** Names in a directory, sorted; empty if it does not exist. */
export function entries(path: string): string[] {
  try {
    return readdirSync(path).toSorted()
  } catch {
    return []
  }
}

/** Addresses that were once used for discovery: open-iscsi keeps a file or directory ADDRESS,PORT for each. */
export function discoveryPortals(host: Host): Portal[] {
  return entries(join(dirname(nodeDatabase(host)), 'send_targets')).flatMap((name) => {
    const [address = '', port = ''] = name.split(',')
    return address !== '' && /^\d+$/.test(port) ? [{ host: address, port: Number(port) }] : []
  })
}

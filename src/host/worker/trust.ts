import type { Stats } from 'node:fs'
import { lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

import type { Untrusted } from './protocol.ts'

/** The number of links that the kernel follows in one path (include/linux/namei.h: MAXSYMLINKS). */
const MAX_LINKS = 40

const STICKY = 0o1000
const WRITABLE_BY_OTHERS = 0o022

/**
 * The first directory on the way to `path` in which a user other than root could replace the next component after the path
 * is checked and before it is mounted on. Links are followed as the kernel follows them, as far as the path exists. An
 * access control list that lets other users write shows in the group's permission bits (acl(5)).
 * @returns null if there is no such directory
 */
export function firstUntrusted(path: string): Untrusted | null {
  // The owner of / can change everything anyway. In a container or a lab that may be a user other than root.
  const own = new Set([0, process.geteuid?.() ?? 0, lstatSync('/').uid])
  let [at, links] = ['/', 0]
  for (let parts = partsOf(path); parts.length > 0;) {
    const [name = '', ...rest] = parts
    const next = join(at, name)
    parts = rest
    if (name === '..') {
      at = next
      continue
    }
    const directory = lstatSync(at)
    const found = lstatSync(next, { throwIfNoEntry: false })
    if (!isSafe(directory, found, own))
      return { directory: at, uid: directory.uid, mode: directory.mode & 0o7777 }
    // This program creates the remaining components.
    if (!found) return null
    if (found.isSymbolicLink()) {
      if (++links > MAX_LINKS) throw Object.assign(new Error(`too many links in ${path}`), { code: 'ELOOP' })
      const target = readlinkSync(next)
      if (target.startsWith('/')) at = '/'
      parts = [...partsOf(target), ...rest]
    } else at = next
  }
  return null
}

/**
 * In a directory with the sticky bit only the owner of an entry, or of the directory, can rename or remove the entry
 * (fs/namei.c:may_delete). Root creates missing components, and then owns them.
 */
function isSafe(directory: Stats, found: Stats | undefined, own: ReadonlySet<number>): boolean {
  if (!own.has(directory.uid)) return false
  if ((directory.mode & WRITABLE_BY_OTHERS) === 0) return true
  return (directory.mode & STICKY) !== 0 && (found === undefined || own.has(found.uid))
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.')

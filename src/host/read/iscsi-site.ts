import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import type { HostPaths } from '../paths.ts'
import { linkName, readLink, readText } from './attribute.ts'

// The configuration of open-iscsi and of related software on this node. Only files are read; no program is started.

/** The lines `key = value` of iscsid.conf or of a node record, without comments. The last value of a key counts. */
export function settingsOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*([a-z][\w.[\]]*)\s*=\s*(.*)$/i.exec(line) ?? []
    if (key !== undefined && value !== undefined) found.set(key, value.trimEnd())
  }
  return found
}

export const ISCSID_CONF = 'etc/iscsi/iscsid.conf'

/** The settings of iscsid.conf; empty if there is none. */
export function readIscsidConf(paths: HostPaths): ReadonlyMap<string, string> {
  return settingsOf(readText(join(paths.root, ISCSID_CONF)) ?? '')
}

/** In order of precedence (udev(7), "Rules files"). */
const RULE_DIRECTORIES = [
  'etc/udev/rules.d',
  'run/udev/rules.d',
  'usr/local/lib/udev/rules.d',
  'usr/lib/udev/rules.d',
  'lib/udev/rules.d',
]

/** Programs that scan for all LUNs of a target or host: those of libstoragemgmt and sg3-utils. */
const SCANNERS = /scan-scsi-target|rescan-scsi-bus/

/** udev's rules that scan for LUNs when a target reports that its list has changed. A rule that is masked does not count. */
export function scanRules(paths: HostPaths): string[] {
  const seen = new Set<string>()
  return RULE_DIRECTORIES.flatMap((directory) =>
    namesOf(join(paths.root, directory)).flatMap((name) => {
      if (!/scsi.*\.rules$/.test(name) || seen.has(name)) return []
      seen.add(name)
      const path = join(paths.root, directory, name)
      if (readLink(path) === '/dev/null') return []
      const active = (readText(path) ?? '').split('\n').filter((line) => !line.startsWith('#'))
      return active.some((line) => SCANNERS.test(line)) ? [`/${directory}/${name}`] : []
    }),
  )
}

/**
 * Whether the file of the running iscsid has been replaced since it was started, as by an upgrade. Null if no iscsid is running.
 * iscsid is found by its process number on the netlink channel (open-iscsi usr/netlink.c).
 */
export function isIscsidReplaced({ self, proc }: HostPaths): boolean | null {
  for (const line of (readText(`${self}/net/netlink`) ?? '').split('\n')) {
    const pid = /^\S+\s+8\s+([1-9]\d*)\s/.exec(line)?.[1]
    if (pid === undefined || (readText(`${proc}/${pid}/comm`) ?? '').trim() !== 'iscsid') continue
    return readLink(`${proc}/${pid}/exe`)?.endsWith(' (deleted)') ?? null
  }
  return null
}

/**
 * Whether the running kernel has a module, loaded or not. Null if that is unknown, as for a kernel without a directory of
 * modules, in which everything is built in.
 */
export function hasModule(paths: HostPaths, name: string): boolean | null {
  if (linkName(`${paths.sys}/module/${name}`) !== null || isDirectory(`${paths.sys}/module/${name}`))
    return true
  const release = (readText(`${paths.proc}/sys/kernel/osrelease`) ?? '').trim()
  const lists = ['lib', 'usr/lib'].flatMap((lib) =>
    ['modules.dep', 'modules.builtin'].flatMap(
      (list) => readText(join(paths.root, lib, 'modules', release, list)) ?? [],
    ),
  )
  if (release === '' || lists.length === 0) return null
  const file = new RegExp(`(?:^|/)${name.replaceAll('_', '[-_]')}\\.ko`, 'm')
  return lists.some((list) => file.test(list))
}

/** Whether a program is in one of these directories of the host. @param path separated by colons, as in host/exec */
export function hasProgram(paths: HostPaths, program: string, path: string): boolean {
  return path.split(':').some((directory) => {
    const file = join(paths.root, directory, program)
    // A link may be absolute: in a container it leads to the host's file, which is not seen from here.
    if (readLink(file) !== null) return true
    const found = statSync(file, { throwIfNoEntry: false })
    return found !== undefined && found.isFile() && (found.mode & 0o111) !== 0
  })
}

/** The settings of multipath.conf that decide which disks multipathd takes. */
export interface MultipathSite {
  /** Null if it is not set. By default multipath-tools ignores single paths. */
  readonly findMultipaths: string | null
  /** From `blacklist_exceptions`: the udev properties that make multipathd accept a disk; null for the default. */
  readonly property: string | null
}

export function readMultipathSite(paths: HostPaths): MultipathSite {
  const parts = join(paths.root, 'etc/multipath/conf.d')
  const texts = [
    join(paths.root, 'etc/multipath.conf'),
    ...namesOf(parts)
      .filter((name) => name.endsWith('.conf'))
      .toSorted()
      .map((name) => join(parts, name)),
  ].map((path) => (readText(path) ?? '').replace(/[#!].*$/gm, ''))
  const last = (pattern: RegExp) =>
    texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1]!)).at(-1) ?? null
  return {
    findMultipaths: last(/\bfind_multipaths\s+"?(\w+)"?/g),
    property: last(/\bblacklist_exceptions\s*\{[^}]*\bproperty\s+"([^"]*)"/g),
  }
}

/** A file with a CHAP secret that users other than its owner may read. */
export interface ReadableSecret {
  readonly path: string
  /** As chmod writes it: 644. */
  readonly mode: string
}

const GROUP_READS = 0o040
const OTHERS_READ = 0o004
const OTHERS_ENTER = 0o011
/** A node has tens of records; no more than this are examined. */
const MAX_RECORDS = 4_000

/** @param database directory of the node records */
export function readableSecrets(paths: HostPaths, database: string): ReadableSecret[] {
  const conf = join(paths.root, ISCSID_CONF)
  return [conf, ...recordsIn(database)].flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    // Only root is in the group root.
    const isRead = stat && (stat.mode & (stat.gid === 0 ? OTHERS_READ : OTHERS_READ | GROUP_READS)) !== 0
    if (!isRead || !stat.isFile() || !hasSecret(path)) return []
    return [{ path, mode: (stat.mode & 0o7777).toString(8) }]
  })
}

/** The records in directories that other users can enter. */
function recordsIn(database: string): string[] {
  const found: string[] = []
  const walk = (directory: string, depth: number) => {
    const stat = statSync(directory, { throwIfNoEntry: false })
    if (!stat?.isDirectory() || (stat.mode & OTHERS_ENTER) === 0) return
    for (const name of namesOf(directory)) {
      if (found.length >= MAX_RECORDS) return
      const path = join(directory, name)
      if (isDirectory(path)) {
        if (depth > 0) walk(path, depth - 1)
      } else found.push(path)
    }
  }
  walk(database, 2)
  return found
}

function hasSecret(path: string): boolean {
  try {
    const settings = settingsOf(readFileSync(path, 'utf8'))
    return [...settings].some(([key, value]) => /\.auth\.password(?:_in)?$/.test(key) && value !== '')
  } catch {
    return false
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function namesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

import type { Hold } from '../../model/hold.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import type { Session, SessionState } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { hasCache, cached } from './cache.ts'
import { listNames, readAttribute, readLink, readNumber, readStat } from './attribute.ts'

/**
 * The kernel's iSCSI sessions, oldest first; only those of `iqn` if it is given, which costs one read for each session
 * of another target. A session that ends while it is read is left out.
 */
export function readSessions(paths: HostPaths, iqn?: Iqn): Session[] {
  if (!hasCache(paths)) return readAll(paths, iqn)
  const all = cached(paths, 'sessions', () => readAll(paths))
  const byTarget = cached(paths, 'sessions by target', () => Map.groupBy(all, (one) => one.iqn))
  return iqn === undefined ? all : (byTarget.get(iqn) ?? [])
}

function readAll(paths: HostPaths, iqn?: Iqn): Session[] {
  const sessions: Session[] = []
  for (const name of listNames(`${paths.sys}/class/iscsi_session`)) {
    const session = readSession(paths, name, iqn)
    if (session) sessions.push(session)
  }
  return sessions.toSorted((a, b) => a.sid - b.sid)
}

/** The state of one session; null if it is gone. */
export function readSessionState(paths: HostPaths, sid: number): SessionState | null {
  return readAttribute(`${paths.sys}/class/iscsi_session/session${sid}/state`)
}

/**
 * The file that distinguishes one connection of a session from the next: each reconnect takes another local port.
 * The state alone does not show this: a loss that is shorter than the interval between two looks is never seen.
 */
export function connectionAttribute(paths: HostPaths, sid: number): string {
  return `${paths.sys}/class/iscsi_connection/connection${sid}:0/local_port`
}

/** The local port of a session's connection; null if it has none now. */
export function readConnection(paths: HostPaths, sid: number): string | null {
  return readAttribute(connectionAttribute(paths, sid))
}

/** The same while the session is logged in; null otherwise: nothing that is written reaches its target then. */
export function readLiveConnection(paths: HostPaths, sid: number): string | null {
  return readSessionState(paths, sid) === 'LOGGED_IN' ? readConnection(paths, sid) : null
}

function readSession(paths: HostPaths, name: string, wanted: Iqn | undefined): Session | null {
  const sid = numberAfter('session', name)
  if (sid === null) return null
  const directory = `${paths.sys}/class/iscsi_session/${name}`
  const fixed = readFixed(paths, sid, directory)
  if (fixed === null || (wanted !== undefined && fixed.iqn !== wanted)) return null
  const state = readAttribute(`${directory}/state`)
  const recoveryTmo = readAttribute(`${directory}/recovery_tmo`)
  if (state === null || recoveryTmo === null) return null
  // -1 while the kernel unbinds the session.
  const targetId = readNumber(`${directory}/target_id`)
  return {
    sid,
    state,
    targetId: targetId !== null && targetId >= 0 ? targetId : null,
    recoveryTmo: holdOf(recoveryTmo),
    ...fixed,
  }
}

/** The attributes that do not change during the life of a session. */
type Fixed = Pick<Session, 'iqn' | 'portal' | 'host' | 'iface'>

/** By host and session number. Each has the inode of its directory in sysfs, which another session does not get. */
const known = new WeakMap<HostPaths, Map<number, Fixed & { readonly inode: number }>>()

/**
 * Read once for each session: these are two thirds of its attributes, and a volume's state is read before each step
 * of an attach or a detach.
 */
function readFixed(paths: HostPaths, sid: number, directory: string): Fixed | null {
  const inode = readStat(directory)?.ino
  if (inode === undefined) return null
  const ofHost = known.get(paths) ?? new Map<number, Fixed & { readonly inode: number }>()
  known.set(paths, ofHost)
  const before = ofHost.get(sid)
  if (before?.inode === inode) return fixedOf(before)
  ofHost.delete(sid)
  const iqn = text(readAttribute(`${directory}/targetname`))
  const host = hostOf(readLink(directory))
  if (iqn === null || host === null) return null
  const iface = text(readAttribute(`${directory}/ifacename`))
  const fixed: Fixed = {
    // Not parsed: a session with a name that breaks the rules is still a session.
    iqn: iqn as Iqn,
    portal: portalOf(`${paths.sys}/class/iscsi_connection/connection${sid}:0`),
    host,
    iface: iface ?? 'default',
  }
  // iscsid sets them one after the other, before the login.
  if (fixed.portal !== null && iface !== null) remember(ofHost, sid, { ...fixed, inode })
  return fixed
}

/** More sessions than a node has; ended sessions are forgotten together with the oldest. */
const MAX_KNOWN = 4_096

function remember<T>(ofHost: Map<number, T>, sid: number, one: T): void {
  ofHost.set(sid, one)
  if (ofHost.size > MAX_KNOWN) ofHost.delete(ofHost.keys().next().value!)
}

function fixedOf({ iqn, portal, host, iface }: Fixed): Fixed {
  return { iqn, portal, host, iface }
}

// `address` and `port` fail with ENOTCONN while the connection is lost; the persistent ones remain.
function portalOf(connection: string): Portal | null {
  const address = text(readAttribute(`${connection}/persistent_address`))
  const port = readNumber(`${connection}/persistent_port`)
  if (address === null || port === null || port < 1 || port > 65535) return null
  return { host: address.replace(/^\[(.*)\]$/, '$1'), port }
}

/** …/hostH/sessionN/iscsi_session/sessionN */
function hostOf(link: string | null): number | null {
  const host = link === null ? null : /\/host(\d+)\/session\d+\//.exec(link)
  return host ? Number(host[1]) : null
}

// Any negative value starts no timer (scsi_transport_iscsi.c:__iscsi_block_session), and the kernel does accept one. A
// value that cannot be interpreted is not relied on.
function holdOf(recoveryTmo: string): Hold {
  if (recoveryTmo === 'off' || /^-\d+$/.test(recoveryTmo)) return 'forever'
  return /^\d+$/.test(recoveryTmo) ? Number(recoveryTmo) : 0
}

// The kernel prints a string that iscsid has not set yet as "(null)".
function text(value: string | null): string | null {
  return value === null || value === '' || value === '(null)' || value === '<NULL>' ? null : value
}

function numberAfter(prefix: string, name: string): number | null {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : ''
  return /^\d+$/.test(digits) ? Number(digits) : null
}

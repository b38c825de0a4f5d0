import type { Hold } from '../../model/hold.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import type { Session, SessionState } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { hasCache, cached } from './cache.ts'
import { listNames, readAttribute, readLink, readNumber } from './attribute.ts'

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

function readSession(paths: HostPaths, name: string, wanted: Iqn | undefined): Session | null {
  const sid = numberAfter('session', name)
  if (sid === null) return null
  const directory = `${paths.sys}/class/iscsi_session/${name}`
  const iqn = text(readAttribute(`${directory}/targetname`))
  if (iqn === null || (wanted !== undefined && iqn !== wanted)) return null
  const state = readAttribute(`${directory}/state`)
  const host = hostOf(readLink(directory))
  const recoveryTmo = readAttribute(`${directory}/recovery_tmo`)
  if (state === null || host === null || recoveryTmo === null) return null
  const targetId = readNumber(`${directory}/target_id`)
  return {
    sid,
    // Not parsed: a session with a name that breaks the rules is still a session.
    iqn: iqn as Iqn,
    portal: portalOf(`${paths.sys}/class/iscsi_connection/connection${sid}:0`),
    state,
    host,
    targetId: targetId !== null && targetId >= 0 ? targetId : null,
    recoveryTmo: holdOf(recoveryTmo),
    iface: text(readAttribute(`${directory}/ifacename`)) ?? 'default',
  }
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

import type { CauseKind } from '../cause-kind.ts'
import type { Event } from './event.ts'
import { cause } from './event.ts'

/** `connection8:0 ` since 2.1.7, `conn 0 ` before; some messages name the session. */
const PREFIX = String.raw`(?:connection(?<connection>\d{1,9}):\d{1,5} |conn \d{1,5} |session ?(?<session>\d{1,9}) )?`

/** Status class and detail of a login response (RFC 7143, 11.13.5), with their meaning. */
const STATUS: Readonly<Record<string, readonly [CauseKind, string]>> = {
  '02/00': ['login-failed', 'error of the initiator'],
  '02/01': ['login-refused', 'authentication failed'],
  '02/02': ['login-refused', 'not allowed for this initiator'],
  '02/03': ['target-not-found', 'no such target'],
  '02/04': ['target-not-found', 'the target was removed'],
  '02/05': ['login-failed', 'unsupported version'],
  '02/06': ['login-failed', 'too many connections'],
  '02/07': ['login-failed', 'a parameter is missing'],
  '02/08': ['login-failed', 'the connection cannot be added to the session'],
  '02/09': ['login-failed', 'unsupported type of session'],
  '02/0a': ['login-failed', 'no such session'],
  '02/0b': ['login-failed', 'invalid request'],
  '03/00': ['target-unavailable', 'error of the target'],
  '03/01': ['target-unavailable', 'service unavailable'],
  '03/02': ['target-unavailable', 'out of resources'],
}
/** For a status that a later standard adds. */
const CLASSES: Readonly<Record<string, CauseKind>> = { '03': 'target-unavailable' }

const REJECTED = new RegExp(
  String.raw`^(?:${PREFIX}|discovery login to (?<target>\S{1,223}) )(?:login )?rejected: (?<why>.{0,160})`,
)
const CODE = /\(((\w\w)\/\w\w)\)/
const FAILED_AUTH = /initiator failed auth/i

/** Other messages about a login, by iscsid (usr/login.c, initiator.c, auth.c, discovery.c) and iscsiadm. */
const MESSAGES: readonly (readonly [pattern: RegExp, kind: CauseKind])[] = [
  [/^Login authentication failed with target (?<target>[^\s,]{1,223})/, 'login-refused'],
  [/^Login failed to authenticate with target (?<target>[^\s,]{1,223})/, 'login-refused'],
  [/^failing authentication, .{0,120}target (?<target>[^\s,]{1,223})/, 'login-refused'],
  // ISCSI_ERR_LOGIN_AUTH_FAILED; ISCSI_ERR_SESS_EXISTS (15) is not a failure.
  [/^initiator reported error \(24\b/, 'login-refused'],
  [/^initiator reported error \((?!15\b)\d{1,4} - /, 'login-failed'],
  [/^Could not login to \[iface: [^\],]{0,80}, target: (?<target>[^\s,\]]{1,223})/, 'login-failed'],
  [/^Login response timeout\./, 'login-failed'],
  [/^Login I\/O error, failed to (?:receive|send) a PDU/, 'login-failed'],
  [/^[Ll]ogin (?:negotiation|redirection) failed/, 'login-failed'],
  [/^[Ll]ogin failed[, ]/, 'login-failed'],
  [/^Login version mismatch/, 'login-failed'],
  [/^Received invalid login PDU/, 'login-failed'],
  [new RegExp(`^${PREFIX}Login error \\(Login status`), 'login-failed'],
  [new RegExp(`^${PREFIX}login response with unknown status`), 'login-failed'],
  [/^(?:session(?<session>\d{1,9}) )?Giving up (?:on initial login|after \d)/, 'login-failed'],
  [/^Giving up on session (?<session>\d{1,9}) after/, 'login-failed'],
  [/^discovery login to (?<target>\S{1,223}) failed, giving up/, 'login-failed'],
  [
    /^Connection to (?:Discovery Address|discovery portal) (?<target>\S{1,223}) (?:failed|closed)/,
    'portal-unreachable',
  ],
  [/^[Cc]annot resolve host (?:name )?(?<target>[^\s,]{1,253}?)(?:\.? |$)/, 'portal-unreachable'],
  // The port is missing in these messages: usr/io.c:iscsi_io_connect.
  [/^connect to (?<target>\S{1,223}) timed out/, 'portal-unreachable'],
  [/^cannot make connection to (?<target>\S{1,223}): /, 'portal-unreachable'],
  [new RegExp(`^${PREFIX}Target (?:requests logout within|dropping )`), 'target-logout'],
  [/^Received async event param negotiation, dropping session(?::(?<session>\d{1,9}))?/, 'target-logout'],
]

/** Parses a message about a failed login, or about a target that ends sessions; null if it is not relevant. */
export function loginMessage(message: string): Event | null {
  const rejected = REJECTED.exec(message)
  if (rejected) {
    const [kind, meaning] = rejection(rejected.groups!.why!)
    return loginCause(kind, rejected.groups!, meaning === '' ? message : `${message.trim()}: ${meaning}`)
  }
  for (const [pattern, kind] of MESSAGES) {
    const parts = pattern.exec(message)
    if (parts) return loginCause(kind, parts.groups ?? {}, message)
  }
  return null
}

function rejection(why: string): readonly [CauseKind, string] {
  if (FAILED_AUTH.test(why)) return ['login-refused', '']
  const [, code, statusClass] = CODE.exec(why) ?? []
  if (code === undefined) return ['login-failed', '']
  return STATUS[code] ?? [CLASSES[statusClass!] ?? 'login-failed', '']
}

function loginCause(
  kind: CauseKind,
  { connection, session = connection, target }: Readonly<Record<string, string | undefined>>,
  detail: string,
): Event {
  const unnamed = kind === 'target-logout' ? 'the target' : 'a login'
  const subject = target ?? (session === undefined ? unnamed : `session ${session}`)
  return cause(kind, subject, {
    detail: detail.slice(0, 200),
    ...(session === undefined ? {} : { session: Number(session) }),
  })
}

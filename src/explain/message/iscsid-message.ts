import type { Event } from './event.ts'
import { cause } from './event.ts'

const REPEATED = /^message repeated (\d{1,9}) times: \[ ?(.*)\]$/
const REPORTED =
  /^Kernel reported iSCSI connection (\d{1,9}):(\d{1,5}) error \((\d{1,5})(?:\s+\S{1,3}\s+ISCSI_ERR_\w+(?::\s*([^)]{0,120}))?)?/
const BACK = /^connection(\d{1,9}):(\d{1,5}) is operational after recovery \((\d{1,9}) attempts?\)/i
// The portal is "ADDRESS,PORT"; since 2.1.9 an IPv6 address may be in brackets.
const MADE =
  /^Connection(\d{1,9}):(\d{1,5}) to \[target: ([^\s,\]]{1,223}), portal: ([^\s\]]{1,80}),(\d{1,5})\] through .* is (operational now|shutdown)/
const UNREACHABLE =
  /^(?:connect to|cannot make a connection to|cannot make connection to|connection to) (\S{1,80}:\d{1,5}) (?:failed|timed out|\()/
/** iscsid's own pings, for transports whose kernel driver sends none. */
const SILENT = /^Nop-out timedout after (\d{1,9}) seconds on connection (\d{1,9}):(\d{1,5}) state/
const REFUSED =
  /^(?:Login authentication failed with target|Login failed to authenticate with target) ([^\s,]{1,223})|^(?:session|conn) \d{1,9} login rejected: [Ii]nitiator failed auth/
const NOT_MADE =
  /^(?:Login response timeout\.|initiator reported error \((?!15\b)\d{1,4} - ([^)]{1,120})\)|Giving up on initial login)/

/** Parses a line of iscsid; null if it is not relevant. */
export function iscsidMessage(message: string): Event | null {
  const repeated = REPEATED.exec(message)
  if (repeated) {
    const event = single(repeated[2]!)
    return event?.kind === 'unreachable' ? { ...event, count: Number(repeated[1]) } : event
  }
  return single(message)
}

function single(message: string): Event | null {
  const unreachable = UNREACHABLE.exec(message)
  if (unreachable) return { kind: 'unreachable', portal: unreachable[1]!, count: 1 }
  const reported = REPORTED.exec(message)
  if (reported) {
    const [, session, connection, code, words] = reported
    return {
      kind: 'lost',
      by: 'iscsid',
      session: Number(session),
      connection: Number(connection),
      code: Number(code),
      words: words?.trim() || null,
    }
  }
  const back = BACK.exec(message)
  if (back) {
    const [, session, connection, attempts] = back
    return {
      kind: 'back',
      session: Number(session),
      connection: Number(connection),
      attempts: Number(attempts),
    }
  }
  const silent = SILENT.exec(message)
  if (silent) {
    const [, seconds, session, connection] = silent.map(Number) as [number, number, number, number]
    return { kind: 'silent', session, connection, seconds, interval: null }
  }
  const made = MADE.exec(message)
  if (!made) return loginFailure(message)
  const [, session, connection, iqn, address, port, what] = made
  const host = address!.includes(':') && !address!.startsWith('[') ? `[${address}]` : address
  return {
    kind: what === 'shutdown' ? 'logout' : 'login',
    session: Number(session),
    connection: Number(connection),
    iqn: iqn!,
    portal: `${host}:${port}`,
  }
}

function loginFailure(message: string): Event | null {
  const refused = REFUSED.exec(message)
  if (refused) return cause('login-refused', refused[1] ?? 'a login', { detail: message.slice(0, 160) })
  return NOT_MADE.test(message) ? cause('login-failed', 'a login', { detail: message.slice(0, 160) }) : null
}

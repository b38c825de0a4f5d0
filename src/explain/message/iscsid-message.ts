import type { Event } from './event.ts'
import { loginMessage } from './login-message.ts'

const REPEATED = /^message repeated (\d{1,9}) times: \[ ?(.*)\]$/
const REPORTED =
  /^Kernel reported iSCSI connection (\d{1,9}):(\d{1,5}) error \((\d{1,5})(?:\s+\S{1,3}\s+ISCSI_ERR_\w+(?::\s*([^)]{0,120}))?)?/
const RECOVERED = /^connection(\d{1,9}):(\d{1,5}) is operational after recovery \((\d{1,9}) attempts?\)/i
// The portal is "ADDRESS,PORT"; since 2.1.9 an IPv6 address may be in brackets.
const LOGIN_OR_LOGOUT =
  /^Connection(\d{1,9}):(\d{1,5}) to \[target: ([^\s,\]]{1,223}), portal: ([^\s\]]{1,80}),(\d{1,5})\] through .* is (operational now|shutdown)/
const UNREACHABLE =
  /^(?:connection(\d{1,9}):\d{1,5} |session(\d{1,9}) )?(?:connect to|cannot make a connection to|cannot make connection to|connection to) (\S{1,80}:\d{1,5}) (?:failed|timed out|\()/
/** iscsid sends the pings itself for transports whose kernel driver does not. */
const PING_TIMEOUT = /^Nop-out timedout after (\d{1,9}) seconds on connection (\d{1,9}):(\d{1,5}) state/

/** Parses a message of iscsid; null if it is not relevant. */
export function iscsidMessage(message: string): Event | null {
  const repeated = REPEATED.exec(message)
  if (repeated) {
    const event = parseOne(repeated[2]!)
    const times = Number(repeated[1])
    if (event?.kind === 'unreachable') return { ...event, count: times }
    return event?.kind === 'cause' ? { ...event, times } : event
  }
  return parseOne(message)
}

function parseOne(message: string): Event | null {
  const unreachable = UNREACHABLE.exec(message)
  if (unreachable) {
    const [, connection, session = connection, portal] = unreachable
    return {
      kind: 'unreachable',
      session: session === undefined ? null : Number(session),
      portal: portal!,
      count: 1,
      detail: message.slice(0, 160),
    }
  }
  const reported = REPORTED.exec(message)
  if (reported) {
    const [, session, connection, code, words] = reported
    return {
      kind: 'connection error',
      by: 'iscsid',
      session: Number(session),
      connection: Number(connection),
      code: Number(code),
      words: words?.trim() || null,
    }
  }
  const recovered = RECOVERED.exec(message)
  if (recovered) {
    const [, session, connection, attempts] = recovered
    return {
      kind: 'recovered',
      session: Number(session),
      connection: Number(connection),
      attempts: Number(attempts),
    }
  }
  const pingTimeout = PING_TIMEOUT.exec(message)
  if (pingTimeout) {
    const [, seconds, session, connection] = pingTimeout.map(Number) as [number, number, number, number]
    return { kind: 'ping timeout', session, connection, seconds, interval: null }
  }
  const change = LOGIN_OR_LOGOUT.exec(message)
  if (!change) return loginMessage(message)
  const [, session, connection, iqn, address, port, what] = change
  const host = address!.includes(':') && !address!.startsWith('[') ? `[${address}]` : address
  return {
    kind: what === 'shutdown' ? 'logout' : 'login',
    session: Number(session),
    connection: Number(connection),
    iqn: iqn!,
    portal: `${host}:${port}`,
  }
}

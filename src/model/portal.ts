import { LunkeeperError } from './errors.ts'

/** Where a target listens. `host` is a name or an address, IPv6 without brackets. */
export interface Portal {
  readonly host: string
  readonly port: number
}

/** IANA's port for iSCSI targets (RFC 7143 section 14). */
const DEFAULT_PORT = 3260

const NAME = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?$/i
const IPV4_LIKE = /^[\d.]+$/

function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

function isIpv6(text: string): boolean {
  const [address = '', zone, ...more] = text.split('%')
  if (more.length > 0 || (zone !== undefined && !/^[\w.-]+$/.test(zone))) return false
  const halves = address.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  // An IPv4 part is allowed only at the very end, not before a "::" that ends the address.
  const last = halves.at(-1) === '' ? undefined : groups.at(-1)
  const tail = last !== undefined && last.includes('.') ? (isIpv4(last) ? 2 : Number.NaN) : 1
  const hex = tail === 1 ? groups : groups.slice(0, -1)
  if (!hex.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false
  const count = groups.length === 0 ? 0 : groups.length - 1 + tail
  return halves.length === 2 ? count < 8 : count === 8
}

/**
 * HOST, HOST:PORT, an IPv6 address alone, or [IPv6]:PORT.
 * @throws BAD_PORTAL
 */
export function parsePortal(text: string): Portal {
  const bad = (reason: string) => new LunkeeperError('BAD_PORTAL', `"${text}" is not a portal: ${reason}`)
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text)
  const isPlain = isIpv6(text)
  // Also an IPv6 address, but hardly the one that was meant.
  if (isPlain && text.endsWith(`:${DEFAULT_PORT}`))
    throw bad(
      `an IPv6 address must be in brackets here: [${text.slice(0, text.lastIndexOf(':'))}]:${DEFAULT_PORT}, or [${text}] for the whole as an address`,
    )
  const plain = isPlain ? [text, text, undefined] : /^([^:]*)(?::(.*))?$/.exec(text)
  const parts = bracketed ?? plain
  if (!parts) throw bad('the address is not valid; IPv6 with a port must be in brackets')
  const [, host = '', portText] = parts
  if (bracketed && !isIpv6(host)) throw bad(`"${host}" is not an IPv6 address`)
  if (host === '') throw bad('the address is empty')
  if (!isIpv6(host) && IPV4_LIKE.test(host) && !isIpv4(host)) throw bad(`"${host}" is not an IPv4 address`)
  if (!isIpv6(host) && !NAME.test(host)) throw bad(`"${host}" is neither an IP address nor a host name`)
  const port =
    portText === undefined ? DEFAULT_PORT : /^\d{1,5}$/.test(portText) ? Number(portText) : Number.NaN
  if (!(port >= 1 && port <= 65535)) throw bad('the port is not a number from 1 to 65535')
  return { host: canonicalHost(host), port }
}

/** The canonical form, which {@link parsePortal} accepts. */
export function formatPortal({ host, port }: Portal): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Whether the address and port are the same, whatever form another program's record uses for an IPv6 address. */
export function samePortal(a: Portal, b: Portal): boolean {
  return a.port === b.port && (a.host === b.host || canonicalHost(a.host) === canonicalHost(b.host))
}

function canonicalHost(host: string): string {
  if (!isIpv6(host)) return host.toLowerCase()
  const [address = '', zone] = host.split('%')
  // RFC 5952's form, as produced by URL.
  return new URL(`http://[${address}]`).hostname.slice(1, -1) + (zone === undefined ? '' : `%${zone}`)
}

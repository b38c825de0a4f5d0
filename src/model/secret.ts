import { LunkeeperError } from './errors.ts'

/**
 * A string that is never printed: not by console, JSON, string concatenation or errors. Code that needs the value calls
 * `reveal`, which is easy to find in a review.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}

/** CHAP: how this node authenticates to the target and, if mutual, the target to this node. */
export interface Chap {
  readonly username: string
  readonly password: Secret
  readonly mutual: { readonly username: string; readonly password: Secret } | null
}

const bad = (reason: string) =>
  new LunkeeperError('BAD_CHAP', `the CHAP credentials are not valid: ${reason}`)

export const CHAP_KEYS = ['username', 'password', 'username_in', 'password_in'] as const

/**
 * Lines of the form `key = value`; keys may have the prefix that open-iscsi and Kubernetes secrets use
 * (`node.session.auth.`).
 * Blank lines and lines that start with # are skipped. No error quotes the text.
 * @throws BAD_CHAP
 */
export function parseChap(text: string): Chap {
  const found = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    const parts = /^\s*(?:node\.session\.auth\.)?([a-z_]+)\s*[=:]\s?(.*)$/.exec(line)
    const key = parts?.[1]
    if (key === 'authmethod') continue
    if (!parts || !CHAP_KEYS.some((known) => known === key))
      throw bad(`line ${index + 1} is not one of ${CHAP_KEYS.join(', ')}`)
    if (found.has(key!)) throw bad(`${key} was given twice`)
    const value = parts[2]!.trim()
    found.set(key!, value)
  }
  return chapOf(found)
}

/**
 * CHAP from its four values; the mutual pair may be missing. No error quotes a value.
 * @throws BAD_CHAP
 */
export function chapOf(found: ReadonlyMap<string, string>): Chap {
  for (const [key, value] of found) {
    if (value === '') throw bad(`${key} is empty`)
    // iscsid's configuration is line-based, and its fields hold 255 bytes (usr/auth.h).
    if (Buffer.byteLength(value) > 255) throw bad(`${key} is longer than 255 bytes`)
    if (value.includes('\0')) throw bad(`${key} contains a NUL`)
    if (/[\r\n]/.test(value)) throw bad(`${key} contains a line break`)
  }
  const pair = (user: string, secret: string) => {
    const username = found.get(user)
    const password = found.get(secret)
    if (username === undefined && password === undefined) return null
    if (username === undefined || password === undefined)
      throw bad(`${user} and ${secret} must be given together`)
    return { username, password: new Secret(password) }
  }
  const own = pair('username', 'password')
  if (!own) throw bad('username and password are missing')
  const mutual = pair('username_in', 'password_in')
  // RFC 7143 section 9.2.1: with a reflected secret an attacker can answer a challenge with its own reply.
  if (mutual && mutual.password.reveal() === own.password.reveal())
    throw bad('both directions have the same secret, which the standard forbids')
  return { ...own, mutual }
}

import { createHash, timingSafeEqual } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from '../../model/file-error.ts'

/** 32 characters of `openssl rand -hex 16` are 128 bits, which cannot be guessed. */
const MIN_LENGTH = 32
const MAX_LENGTH = 512

/** The token that a client must send to make changes. Only its hash is kept in memory. */
export class Token {
  readonly #hash: Buffer

  /** @throws USAGE it is too short, too long, or cannot be sent in a header */
  constructor(text: string, source = 'the token') {
    if (!/^[\x21-\x7e]*$/.test(text) || text.length < MIN_LENGTH || text.length > MAX_LENGTH)
      throw new LunkeeperError(
        'USAGE',
        `${source} is not a token: it must have ${MIN_LENGTH} to ${MAX_LENGTH} printable ASCII characters and no spaces`,
        { hint: 'Create one: (umask 077; openssl rand -hex 32 > FILE).' },
      )
    this.#hash = hashOf(text)
  }

  /** Whether an `Authorization: Bearer TOKEN` header has this token. Compares in constant time. */
  isIn(authorization: string | undefined): boolean {
    const sent = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    return sent !== undefined && timingSafeEqual(hashOf(sent), this.#hash)
  }
}

/** Hashes have one length, which comparing in constant time requires. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Reads a token from a file that only its owner can read. No error quotes it. @throws USAGE */
export function readToken(path: string): Token {
  const buffer = Buffer.alloc(MAX_LENGTH + 2)
  let length: number
  try {
    const fd = openSync(path, 'r')
    try {
      const stat = fstatSync(fd)
      if (stat.isFile() && (stat.mode & 0o077) !== 0)
        throw new LunkeeperError('USAGE', `${path} can be read by users other than its owner`, {
          hint: `Run chmod 600 ${path}, and create a new token if other users may have read this one.`,
        })
      length = readSync(fd, buffer, 0, buffer.length, null)
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    if (cause instanceof LunkeeperError) throw cause
    throw new LunkeeperError('USAGE', `the token in ${path} cannot be read: ${whyUnreadable(cause)}`, {
      cause,
      hint: 'Give --http-token-file a file that has the token on its first line.',
    })
  }
  return new Token(buffer.toString('latin1', 0, length).replace(/\r?\n$/, ''), path)
}

import { createHash, timingSafeEqual } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from '../../model/file-error.ts'

/** 32 characters of `openssl rand -hex 16`: 128 bits, which cannot be tried out. */
const SHORTEST = 32
const LONGEST = 512

/** What a client must show to change something. Only its hash is kept. */
export class Token {
  readonly #hash: Buffer

  /** @throws USAGE it is too short, too long, or cannot be sent in a header */
  constructor(text: string, source = 'the token') {
    if (!/^[\x21-\x7e]*$/.test(text) || text.length < SHORTEST || text.length > LONGEST)
      throw new LunkeeperError(
        'USAGE',
        `${source} is not a token: it must have ${SHORTEST} to ${LONGEST} printable ASCII characters and no blanks`,
        { hint: 'Make one: (umask 077; openssl rand -hex 32 > FILE).' },
      )
    this.#hash = hashOf(text)
  }

  /** Whether `Authorization: Bearer TOKEN` has it; compared in constant time. */
  isIn(authorization: string | undefined): boolean {
    const shown = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    return shown !== undefined && timingSafeEqual(hashOf(shown), this.#hash)
  }
}

/** Of one length, whatever was sent. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Reads a token from a file that only its owner can read. No error quotes it. @throws USAGE */
export function readToken(path: string): Token {
  const buffer = Buffer.alloc(LONGEST + 2)
  let length: number
  try {
    const fd = openSync(path, 'r')
    try {
      const stat = fstatSync(fd)
      if (stat.isFile() && (stat.mode & 0o077) !== 0)
        throw new LunkeeperError('USAGE', `${path} can be read by users other than its owner`, {
          hint: `Run chmod 600 ${path}, and make a new token if others may have read this one.`,
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

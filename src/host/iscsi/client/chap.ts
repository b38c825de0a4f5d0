import { createHash, getHashes, randomBytes, timingSafeEqual } from 'node:crypto'

import type { Chap, Secret } from '../../../model/secret.ts'

/** Hash algorithms of CHAP, named as in open-iscsi (iscsid.conf(5), node.session.auth.chap_algs). */
export type ChapAlgorithm = keyof typeof ALGORITHMS

/** Numbers: IANA's PPP Authentication Algorithms (RFC 7143, 12.1.3); names of the hashes: OpenSSL's. */
const ALGORITHMS = {
  MD5: { number: 5, hash: 'md5' },
  SHA1: { number: 6, hash: 'sha1' },
  SHA256: { number: 7, hash: 'sha256' },
  'SHA3-256': { number: 8, hash: 'sha3-256' },
} as const

/** open-iscsi's own default, which every target supports. */
export const DEFAULT_ALGORITHMS: readonly ChapAlgorithm[] = ['MD5']

/** The longest challenge (RFC 7143, 12.1.3). */
const MAX_CHALLENGE_BYTES = 1024
/** The length of the shortest answer. */
const CHALLENGE = 16

const isAlgorithm = (word: string): word is ChapAlgorithm => Object.hasOwn(ALGORITHMS, word)

/**
 * Parses `chap_algs`, in order of preference. Unknown words are ignored, as in iscsid (usr/idbm.c: commas and blanks
 * separate). Null if none is left.
 */
export function parseAlgorithms(value: string): readonly ChapAlgorithm[] | null {
  const known = value.split(/[,\s]+/).filter(isAlgorithm)
  return known.length === 0 ? null : [...new Set(known)]
}

/** The algorithms to offer: those that this machine's OpenSSL has (in FIPS mode not MD5). */
export function offeredAlgorithms(wanted: readonly ChapAlgorithm[]): string {
  const here = new Set(getHashes().map((hash) => hash.toLowerCase()))
  return wanted
    .filter((name) => here.has(ALGORITHMS[name].hash))
    .map((name) => ALGORITHMS[name].number)
    .join(',')
}

/** The challenge that one side sends to the other. */
export interface Challenge {
  readonly algorithm: ChapAlgorithm
  readonly id: number
  readonly bytes: Buffer
}

/** A target's challenge; null if it is malformed, or uses an algorithm that was not offered. */
export function challengeOf(
  keys: ReadonlyMap<string, string>,
  wanted: readonly ChapAlgorithm[],
): Challenge | null {
  const algorithm = wanted.find((name) => ALGORITHMS[name].number === Number(keys.get('CHAP_A')))
  const id = Number(keys.get('CHAP_I') ?? Number.NaN)
  const bytes = binaryOf(keys.get('CHAP_C') ?? '')
  const isIdInOrder = Number.isInteger(id) && id >= 0 && id <= 255
  if (!algorithm || !isIdInOrder || !bytes?.length || bytes.length > MAX_CHALLENGE_BYTES) return null
  return { algorithm, id, bytes }
}

/** A challenge for a target that must authenticate itself: never the challenge that the target has sent. */
export function newChallenge({ algorithm, bytes: theirs }: Challenge): Challenge {
  for (;;) {
    const [id = 0, ...bytes] = randomBytes(1 + CHALLENGE)
    if (!theirs.equals(Buffer.from(bytes))) return { algorithm, id, bytes: Buffer.from(bytes) }
  }
}

/** RFC 1994, 4.1: the hash of identifier, secret and challenge. */
export function responseTo({ algorithm, id, bytes }: Challenge, secret: Secret): Buffer {
  return createHash(ALGORITHMS[algorithm].hash)
    .update(Buffer.of(id))
    .update(secret.reveal())
    .update(bytes)
    .digest()
}

/** Whether a target's answer proves that it has the secret of its own side. */
export function isProof(
  keys: ReadonlyMap<string, string>,
  challenge: Challenge,
  { username, password }: NonNullable<Chap['mutual']>,
): boolean {
  const answer = binaryOf(keys.get('CHAP_R') ?? '')
  const right = responseTo(challenge, password)
  return keys.get('CHAP_N') === username && answer?.length === right.length && timingSafeEqual(answer, right)
}

export function hexOf(bytes: Buffer): string {
  return `0x${bytes.toString('hex')}`
}

/** A large binary value: hexadecimal or base64 (RFC 7143, 6.1). */
function binaryOf(value: string): Buffer | null {
  if (/^0x(?:[0-9a-f]{2})+$/i.test(value)) return Buffer.from(value.slice(2), 'hex')
  return /^0b[0-9a-z+/]+=*$/i.test(value) ? Buffer.from(value.slice(2), 'base64') : null
}

import type { Chap } from '../model/secret.ts'
import { chapOf, Secret } from '../model/secret.ts'
import { checkOptions, checkText } from './options.ts'

/** One name and its secret. */
export interface ChapCredentials {
  readonly username: string
  /** At most 255 bytes. A {@link Secret} is never printed, whatever your program does with the options. */
  readonly password: string | Secret
}

/** CHAP of one volume. The result of {@link parseChap} can also be used. */
export interface ChapOptions extends ChapCredentials {
  /**
   * Mutual CHAP: the credentials of the target. Their password must differ from this node's.
   *
   * @default none; the target does not authenticate itself
   */
  readonly mutual?: ChapCredentials | null | undefined
}

/** No error quotes a value. @throws BAD_CHAP BAD_REQUEST */
export function chapFrom({ mutual, ...own }: ChapOptions): Chap {
  const values = new Map(pairOf('chap', own, ''))
  if (mutual) for (const [key, value] of pairOf('chap.mutual', mutual, '_in')) values.set(key, value)
  return chapOf(values)
}

function pairOf(place: string, pair: ChapCredentials, suffix: string): (readonly [string, string])[] {
  checkOptions(place, pair, { username: 'string', password: ['string', 'object'] })
  const password: unknown = pair.password instanceof Secret ? pair.password.reveal() : pair.password
  checkText(place, 'username', pair.username)
  checkText(place, 'password', password)
  return [
    [`username${suffix}`, pair.username],
    [`password${suffix}`, password as string],
  ]
}

import { LunkeeperError } from '../../model/errors.ts'
import type { Chap } from '../../model/secret.ts'
import { CHAP_KEYS, chapOf } from '../../model/secret.ts'

type Strings = Readonly<Record<string, string>>

const PREFIX = 'node.session.auth.'

/**
 * The CHAP credentials in the secret of a call or, if it has none, in the attribute `secret`, a JSON object in which the old
 * driver kept them. Keys for discovery are ignored, because no discovery is done. Null means no CHAP.
 * @throws BAD_CHAP
 */
export function credentialsOf(secrets: Strings, attributes: Strings): Chap | null {
  return chapFrom(secrets) ?? chapFrom(fromAttribute(attributes['secret']))
}

function chapFrom(secrets: Strings): Chap | null {
  const found = CHAP_KEYS.flatMap((key) => {
    // The line ending that `echo secret | base64` leaves.
    const value = secrets[PREFIX + key]?.replace(/\r?\n$/, '')
    // An empty value counts as absent, because tools write all four keys (also pkg/volume/iscsi: iscsi_util.go).
    return value === undefined || value === '' ? [] : [[key, value] as const]
  })
  return found.length === 0 ? null : chapOf(new Map<string, string>(found))
}

function fromAttribute(text: string | undefined): Strings {
  if (!text) return {}
  try {
    const parsed = JSON.parse(text) as unknown
    if (parsed !== null && typeof parsed === 'object' && Object.values(parsed).every(isText))
      return parsed as Strings
  } catch {
    // JSON's own message would quote the secret.
  }
  throw new LunkeeperError('BAD_CHAP', 'The volume attribute secret is not a JSON object of strings')
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

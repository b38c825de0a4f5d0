import { readFileSync } from 'node:fs'

import { isLunkeeperError } from '../../model/errors.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { parseChap, type Chap } from '../../model/secret.ts'
import type { Host } from '../host.ts'
import { findNodeRecord, siteValue } from './node-record.ts'
import type { ChapAlgorithm } from './client/chap.ts'
import { DEFAULT_ALGORITHMS, parseAlgorithms } from './client/chap.ts'

/** This node's CHAP credentials for a target, and the hash algorithms that it may use. */
export interface KnownChap {
  readonly chap: Chap
  readonly algorithms: readonly ChapAlgorithm[]
}

/**
 * The credentials in open-iscsi's record of a target, for the first of these portals that has any. We store no credentials
 * ourselves. Records of other portals do not count, because two arrays may use one target name with different secrets.
 */
export function knownChap(host: Host, iqn: Iqn, portals: readonly Portal[]): KnownChap | null {
  for (const portal of portals) {
    const record = findNodeRecord(host, iqn, portal)
    const known = record && knownIn(host, record.path)
    if (known) return known
  }
  return null
}

const CREDENTIAL = /^node\.session\.auth\.(?:username|password)(?:_in)? = /
const ALGORITHMS = 'node.session.auth.chap_algs'

function knownIn(host: Host, file: string): KnownChap | null {
  try {
    return chapIn(readFileSync(file, 'utf8'), () => siteAlgorithms(host))
  } catch {
    // Another program has removed the record.
    return null
  }
}

/** The hash algorithms that iscsid.conf allows; null if it does not set them. */
export function siteAlgorithms(host: Host): string | null {
  return siteValue(host, ALGORITHMS)
}

/**
 * The credentials in the text of a record; null if there are none.
 * @param ofSite the algorithms that iscsid.conf allows, for a record that does not set them
 */
export function chapIn(text: string, ofSite: () => string | null): KnownChap | null {
  const lines = text.split('\n')
  try {
    const chap = parseChap(lines.filter((line) => CREDENTIAL.test(line)).join('\n'))
    const value = lines.findLast((line) => line.startsWith(`${ALGORITHMS} =`))?.split('=')[1]
    return { chap, algorithms: parseAlgorithms(value ?? ofSite() ?? '') ?? DEFAULT_ALGORITHMS }
  } catch (error) {
    if (!isLunkeeperError(error, 'BAD_CHAP')) throw error
    return null
  }
}

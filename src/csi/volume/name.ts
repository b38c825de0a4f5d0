import { createHash } from 'node:crypto'

import type { VolumeName } from '../../model/name.ts'
import { parseName } from '../../model/name.ts'

/** Characters of the ID in the name, which with a map's prefix must stay below device-mapper's 127 characters. */
const MAX_ID_PART = 40

/**
 * Our name for a volume of an orchestrator: the readable part of its ID, and a hash of the whole ID, so that two IDs never
 * get the same name.
 */
export function volumeNameOf(volumeId: string): VolumeName {
  const words = volumeId
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, MAX_ID_PART)
    .replace(/^[^A-Za-z0-9]+/, '')
  const hash = createHash('sha256').update(volumeId).digest('hex').slice(0, 32)
  return parseName(['csi', ...(words === '' ? [] : [words]), hash].join('-'))
}

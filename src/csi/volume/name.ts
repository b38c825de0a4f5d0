import { createHash } from 'node:crypto'

import type { VolumeName } from '../../model/name.ts'
import { parseName } from '../../model/name.ts'

/** With the prefix of a map's name it stays well below device-mapper's 127 characters. */
const READABLE = 40

/**
 * The engine's name for an orchestrator's volume: readable parts of its ID, and a hash of the whole ID, so that two IDs
 * never have the same name.
 */
export function volumeNameOf(volumeId: string): VolumeName {
  const words = volumeId
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, READABLE)
    .replace(/^[^A-Za-z0-9]+/, '')
  const hash = createHash('sha256').update(volumeId).digest('hex').slice(0, 32)
  return parseName(['csi', ...(words === '' ? [] : [words]), hash].join('-'))
}

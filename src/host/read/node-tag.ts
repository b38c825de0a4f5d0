import { createHash } from 'node:crypto'

import type { HostPaths } from '../paths.ts'
import { readMachineId } from './machine.ts'
import { readInitiatorName } from './node.ts'

/**
 * Identifies this node in reservation keys: 8 hexadecimal digits, derived from the identity of its machine and
 * the name by which targets know it. Of 1,000 nodes two have the same one with a probability of 1 in 8,600.
 */
export function readNodeTag(paths: HostPaths): string {
  const initiator = readInitiatorName(paths)?.toLowerCase() ?? ''
  return createHash('sha256')
    .update(`${readMachineId(paths) ?? ''} ${initiator}`)
    .digest('hex')
    .slice(0, 8)
}

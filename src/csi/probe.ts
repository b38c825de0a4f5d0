import { Code } from '@connectrpc/connect'

import { lacksOf } from '../state/view/node.ts'
import type { Driver } from './driver.ts'
import { grpcError } from './status.ts'

/** Returns if volumes can be attached on this node. @throws FAILED_PRECONDITION with what is missing, and its remedy */
export function probe({ host }: Driver): void {
  const missing = lacksOf(host)
  if (missing.length === 0) return
  throw grpcError(
    Code.FailedPrecondition,
    missing.map(({ code, message }) => `${code}: ${message}`).join('; '),
  )
}

import { Code } from '@connectrpc/connect'

import { lacksOf } from '../state/view/node.ts'
import type { Driver } from './driver.ts'
import { grpcError } from './status.ts'

/** Returns if volumes can be attached on this node. @throws FAILED_PRECONDITION with what is missing, and its remedy */
export function probe({ host }: Driver): void {
  const [first, ...more] = lacksOf(host)
  if (!first) return
  const message = [first.message, ...more.map((lack) => `${lack.code}: ${lack.message}`)].join('; ')
  throw grpcError(first.code, message, Code.FailedPrecondition)
}

import { Code } from '@connectrpc/connect'

import { lacksOf } from '../state/view/node.ts'
import type { Driver } from './driver.ts'
import { grpcError } from './status.ts'

/** Whether volumes could be attached now. @throws FAILED_PRECONDITION what is missing, and its remedy */
export function probe({ host }: Driver): void {
  const lacks = lacksOf(host)
  if (lacks.length === 0) return
  throw grpcError(Code.FailedPrecondition, lacks.map(({ code, message }) => `${code}: ${message}`).join('; '))
}

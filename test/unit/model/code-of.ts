import type { ErrorCode } from '../../../src/model/errors.ts'
import { isLunkeeperError } from '../../../src/model/errors.ts'

/** The code with which `work` refuses; null if it does not. Errors other than our own are rethrown. */
export function codeOf(work: () => unknown): ErrorCode | null {
  try {
    work()
    return null
  } catch (error) {
    if (isLunkeeperError(error)) return error.code
    throw error
  }
}

/** The message with which `work` refuses; null if it does not. */
export function messageOf(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

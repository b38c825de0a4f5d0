import type { ConnectError } from '@connectrpc/connect'
import { grpcError } from '../status.ts'

/** @throws INVALID_ARGUMENT the field is missing */
export function requireText(value: string, field: string): string {
  if (value === '') throw grpcError('BAD_REQUEST', `${field} is missing`)
  return value
}

/** @throws INVALID_ARGUMENT the field is missing, or not an absolute path without "." and ".." */
export function requirePath(value: string, field: string): string {
  const path = requireText(value, field)
  const parts = path.split('/')
  if (!path.startsWith('/') || path.includes('\0') || parts.includes('.') || parts.includes('..'))
    throw grpcError('BAD_MOUNT', `${field} is not an absolute path: "${path}"`)
  if (parts.every((part) => part === '')) throw grpcError('BAD_MOUNT', `${field} is the root directory`)
  return path
}

/**
 * A path at which a caller expects a volume. If no volume can be at such a path, the volume is not found there.
 * @throws INVALID_ARGUMENT the field is missing · NOT_FOUND it is not an absolute path
 */
export function requirePlaceOf(volumeId: string, value: string, field: string): string {
  requireText(value, field)
  try {
    return requirePath(value, field)
  } catch (error) {
    throw grpcError(
      'NOT_FOUND',
      `${volumeId} is not at ${JSON.stringify(value)}: ${(error as ConnectError).rawMessage}`,
    )
  }
}

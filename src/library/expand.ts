import type { Host } from '../host/host.ts'
import type { ExpandReport } from '../volumes/expand.ts'
import { expand as expandVolume } from '../volumes/expand.ts'
import type { HostFirst } from './host.ts'
import { onHost } from './host.ts'
import type { OperationOptions } from './options.ts'
import { checkOptions, checkText, engineOptions, OPERATION_KEYS } from './options.ts'

/**
 * Resizes a volume to the current size of its LUN while it stays in use: every path, the map, and the mounted file
 * system. Grow the LUN on the storage system first. After a failure, call it again: it continues. Requires root.
 *
 * @throws BAD_REQUEST BAD_NAME NO_PERMISSION the call is not valid; nothing was changed
 * @throws NOT_FOUND CONFLICT no volume has this name, or another operation on it is not finished
 * @throws TARGET_AWAY IDENTITY_MISMATCH SHRUNK the LUN cannot be used; nothing was changed
 * @throws RESIZE_FAILED a path, the map or the file system was not resized
 * @throws LOCKED STUCK CANCELLED another operation is in progress, a time limit passed, or `signal` was aborted
 */
export function expand(name: string, options?: OperationOptions): Promise<ExpandReport>
export function expand(host: Host, name: string, options?: OperationOptions): Promise<ExpandReport>
export function expand(
  ...all: HostFirst<[name: string, options?: OperationOptions | undefined]>
): Promise<ExpandReport> {
  return onHost(all, async (host, name, options = {}) => {
    checkText('expand', 'name', name)
    checkOptions('expand', options, OPERATION_KEYS)
    return expandVolume(host, name, engineOptions(options))
  })
}

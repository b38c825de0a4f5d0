import type { Host } from '../host/host.ts'
import type { DetachReport } from '../model/attachment.ts'
import { detach as detachHandle } from '../volumes/detach/detach.ts'
import type { HostFirst } from './host.ts'
import { onHost } from './host.ts'
import type { OperationOptions } from './options.ts'
import { checkOptions, checkText, engineOptions, OPERATION_KEYS } from './options.ts'

/** Options of {@link detach}. */
export interface DetachOptions extends OperationOptions {
  /**
   * Continue if the target cannot accept unwritten data: that data is lost permanently. Mounts made by other
   * software are also unmounted.
   *
   * @default false
   */
  readonly force?: boolean | undefined
}

/**
 * Detaches a volume from this node, leaving nothing behind: unmounts it, verifies that all data is written and
 * confirmed, and removes its map, its disks, sessions that are no longer needed, and its record. Refuses while the
 * volume is in use. After a failure or a crash, call it again: it continues from the current state. Requires root.
 *
 * @param handle name, mount point or device
 * @throws BAD_REQUEST NO_PERMISSION the call is not valid; nothing was changed
 * @throws NOT_FOUND no volume has this name, mount point or device
 * @throws BUSY a process or a mount uses the volume
 * @throws TARGET_AWAY FLUSH_FAILED UNMOUNT_FAILED FENCED data would be lost, or is lost
 * @throws LEFT_BEHIND the message names what could not be removed
 * @throws LOCKED STUCK TIMEOUT CANCELLED another operation is in progress, a time limit passed, or `signal` was aborted
 */
export function detach(handle: string, options?: DetachOptions): Promise<DetachReport>
export function detach(host: Host, handle: string, options?: DetachOptions): Promise<DetachReport>
export function detach(
  ...all: HostFirst<[handle: string, options?: DetachOptions | undefined]>
): Promise<DetachReport> {
  return onHost(all, async (host, handle, options = {}) => {
    checkText('detach', 'handle', handle)
    checkOptions('detach', options, { force: 'boolean', ...OPERATION_KEYS })
    return detachHandle(host, handle, { ...engineOptions(options), force: options.force ?? false })
  })
}

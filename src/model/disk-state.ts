/** States in which the kernel fails the I/O of a SCSI disk, so that nothing of it waits (drivers/scsi/scsi_lib.c). */
const FAILING: ReadonlySet<string> = new Set(['transport-offline', 'offline', 'cancel', 'deleted'])

/**
 * Whether I/O of a disk in this state fails. `blocked` is not one of them, also for a moment after its session is back: its I/O waits
 * still.
 */
export function failsIo(state: string): boolean {
  return FAILING.has(state)
}

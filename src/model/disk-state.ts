/** States in which the kernel fails the I/O of a SCSI disk instead of holding it (drivers/scsi/scsi_lib.c). */
const FAILING: ReadonlySet<string> = new Set(['transport-offline', 'offline', 'cancel', 'deleted'])

/**
 * Whether I/O of a disk in this state fails. `blocked` is not one of these states: its I/O still waits, even for a
 * moment after its session is back.
 */
export function failsIo(state: string): boolean {
  return FAILING.has(state)
}

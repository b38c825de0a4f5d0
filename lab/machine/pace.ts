/** How long a boot takes on the machines that the lab was measured on (lab/README.md), with some margin: milliseconds. */
const USUAL_BOOT_MS = 2_500
/** If a machine is slower than this, it is better to say so than to wait for it. */
const SLOWEST = 12
/** The maximum of setTimeout(), which treats a longer delay as one millisecond. */
export const MAX_DEADLINE_MS = 2 ** 31 - 1

let slowness = 1

/** Records how long a boot took: the slowest one counts, because a machine may come under load later. */
export function measured(bootMs: number): void {
  slowness = Math.min(SLOWEST, Math.max(slowness, bootMs / USUAL_BOOT_MS))
}

/**
 * The time after which a wait has failed, on this machine. The deadlines of the lab detect hangs, and make no claim
 * about speed. They are extended on a machine whose system calls are slow, or that is under load, in proportion to
 * its boots.
 * @param deadline milliseconds on a usual machine
 */
export function patient(deadline: number): number {
  return Math.min(MAX_DEADLINE_MS, Math.round(deadline * slowness))
}

/** What a boot takes on the machines that the lab was measured on (lab/README.md), with some room: milliseconds. */
const USUAL_BOOT_MS = 2_500
/** A machine that is slower than this is better told so than waited for. */
const SLOWEST = 12
/** What setTimeout() takes; it makes one millisecond of more. */
export const MAX_DEADLINE_MS = 2 ** 31 - 1

let slowness = 1

/** Told how long a boot took: the slowest one counts, since a machine may come under load later. */
export function measured(bootMs: number): void {
  slowness = Math.min(SLOWEST, Math.max(slowness, bootMs / USUAL_BOOT_MS))
}

/**
 * A time after which a wait has failed, on this machine: the deadlines of the lab catch what hangs, and claim nothing
 * about speed. A machine whose system calls are slow, or that is under load, gets as much more as its boots take longer.
 * @param deadline milliseconds on a usual machine
 */
export function patient(deadline: number): number {
  return Math.min(MAX_DEADLINE_MS, Math.round(deadline * slowness))
}

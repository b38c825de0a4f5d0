import type { Host } from '../../host/host.ts'
import { hungTaskPanic } from '../../host/read/hung-task.ts'
import type { Hold } from '../../model/hold.ts'
import { longerHold } from '../../model/hold.ts'

/** A warning if a hold is longer than the kernel's hung-task timeout; null otherwise. */
export function panicWarning(host: Host, wanted: Hold): string | null {
  const seconds = hungTaskPanic(host.paths)
  if (seconds === null || longerHold(wanted, seconds) === seconds) return null
  return `kernel.hung_task_panic is set: this node panics once a task has been blocked for ${seconds} s, and the hold is longer. Set it to 0, or use a shorter hold`
}

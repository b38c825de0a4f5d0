import type { Host } from '../../host/host.ts'
import { hungTaskPanic } from '../../host/read/hung-task.ts'
import type { Hold } from '../../model/hold.ts'
import { longerHold } from '../../model/hold.ts'

/** What to know of a hold that outlasts the kernel's patience with a task that waits; null for nothing. */
export function panicWarning(host: Host, wanted: Hold): string | null {
  const seconds = hungTaskPanic(host.paths)
  if (seconds === null || longerHold(wanted, seconds) === seconds) return null
  return `kernel.hung_task_panic is set: this node panics once a task has waited for ${seconds} s, and the hold is longer. Set it to 0, or hold for less`
}

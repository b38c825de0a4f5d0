import type { HostPaths } from '../paths.ts'
import { readNumber } from './attribute.ts'

/**
 * After how many seconds of uninterruptible wait of a task the kernel panics; null if it does not
 * (kernel/hung_task.c:check_hung_task; sysctl/kernel.rst: a timeout of 0 disables the check).
 */
export function hungTaskPanic({ proc }: HostPaths): number | null {
  const read = (name: string) => readNumber(`${proc}/sys/kernel/hung_task_${name}`) ?? 0
  const timeout = read('timeout_secs')
  return read('panic') > 0 && timeout > 0 ? timeout : null
}

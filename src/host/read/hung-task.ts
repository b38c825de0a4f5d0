import type { HostPaths } from '../paths.ts'
import { readNumber } from './attribute.ts'

/**
 * After how many seconds in an uninterruptible wait a task has the kernel panic; null where it does not
 * (kernel/hung_task.c:check_hung_task; sysctl/kernel.rst: a timeout of 0 never checks).
 */
export function hungTaskPanic({ proc }: HostPaths): number | null {
  const read = (name: string) => readNumber(`${proc}/sys/kernel/hung_task_${name}`) ?? 0
  const timeout = read('timeout_secs')
  return read('panic') > 0 && timeout > 0 ? timeout : null
}

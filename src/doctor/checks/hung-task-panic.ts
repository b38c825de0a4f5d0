import { hungTaskPanic } from '../../host/read/hung-task.ts'
import { longerHold } from '../../model/hold.ts'
import type { NodeCheck } from '../check.ts'

export const hungTaskPanicSet: NodeCheck = {
  name: 'the kernel’s patience',
  node({ host, records }) {
    const seconds = hungTaskPanic(host.paths)
    if (seconds === null) return []
    const volumes = records
      .filter(({ request: { hold } }) => longerHold(hold.wanted, seconds) !== seconds)
      .map(({ name }) => name)
    if (volumes.length === 0) return []
    return [
      {
        code: 'HUNG_TASK_PANIC',
        severity: 'warning',
        subject: 'kernel.hung_task_panic',
        message: `this node panics once a task has waited for ${seconds} s, and holds are longer (${volumes.length})`,
        evidence: { seconds, volumes },
        fix: `sysctl kernel.hung_task_panic=0, and in /etc/sysctl.d; or lunkeeper hold NAME --set ${Math.max(seconds - 1, 1)}`,
      },
    ]
  },
}

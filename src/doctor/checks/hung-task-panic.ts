import { hungTaskPanic } from '../../host/read/hung-task.ts'
import { longerHold } from '../../model/hold.ts'
import type { NodeCheck } from '../check.ts'

export const hungTaskPanicSet: NodeCheck = {
  name: 'hung-task panic',
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
        message: `this node panics when a task has been blocked for ${seconds} s, and holds are longer (${volumes.length})`,
        evidence: { seconds, volumes },
        fix: `Set kernel.hung_task_panic=0, also in /etc/sysctl.d; or run lunkeeper hold NAME --set ${Math.max(seconds - 1, 1)}`,
      },
    ]
  },
}

import type { HostPaths } from '../paths.ts'
import { listNames, readAttribute } from './attribute.ts'

/** A process of which a thread sleeps in the kernel and cannot be interrupted (state D): it waits for I/O, as a rule. */
export interface WaitingProcess {
  readonly pid: number
  readonly command: string
}

/** A thread of the kernel itself (include/linux/sched.h: PF_KTHREAD). */
const KERNEL_THREAD = 0x00_20_00_00

/** The processes that wait in the kernel now, without the kernel's own threads. */
export function waitingProcesses({ proc }: HostPaths): WaitingProcess[] {
  return listNames(proc)
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      listNames(`${proc}/${pid}/task`).some((thread) => waits(`${proc}/${pid}/task/${thread}`)),
    )
    .map((pid) => ({ pid: Number(pid), command: readAttribute(`${proc}/${pid}/comm`) ?? '?' }))
}

function waits(directory: string): boolean {
  // The name comes before them and may contain any character; flags are the ninth field (proc_pid_stat(5)).
  const [, state, flags] =
    /^.*\) (\S) \S+ \S+ \S+ \S+ \S+ (\d+) /s.exec(readAttribute(`${directory}/stat`) ?? '') ?? []
  return state === 'D' && (Number(flags) & KERNEL_THREAD) === 0
}

import type { Hold } from '../hold.ts'

/**
 * What multipathd is to be told, so that I/O waits for `hold` after the last path is lost: the number of
 * checks that it goes on queueing for, `queue` without end, or `fail` (multipath.conf(5): no_path_retry).
 * @param recovery seconds that a lost session itself keeps I/O first
 * @param interval seconds between two checks
 */
export function noPathRetry(hold: Hold, recovery: Hold, interval: number): string {
  if (hold === 'forever') return 'queue'
  const left = recovery === 'forever' ? 0 : hold - recovery
  return left <= 0 ? 'fail' : String(Math.ceil(left / interval))
}

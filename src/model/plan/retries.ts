import type { Hold } from '../hold.ts'

/**
 * The setting that makes multipathd hold I/O for `hold` after the last path is lost: the number of checks for which it
 * queues, `queue` without a limit, or `fail` (multipath.conf(5): no_path_retry).
 * @param recovery seconds that a lost session itself holds I/O first
 * @param interval seconds between two checks
 */
export function noPathRetry(hold: Hold, recovery: Hold, interval: number): string {
  if (hold === 'forever') return 'queue'
  const left = recovery === 'forever' ? 0 : hold - recovery
  return left <= 0 ? 'fail' : String(Math.ceil(left / interval))
}

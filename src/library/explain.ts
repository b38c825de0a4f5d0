import { uptime } from 'node:os'

import { explainAll } from '../explain/explain.ts'
import type { Explanation } from '../explain/report.ts'
import { logFiles } from '../host/logs/log-files.ts'
import { logSource } from '../host/logs/log-source.ts'
import { LunkeeperError } from '../model/errors.ts'
import { checkOptions } from './options.ts'

/** Options of {@link explain}. */
export interface ExplainOptions {
  /**
   * When the logs were read. It gives a year to dates without one.
   *
   * @default the current time
   */
  readonly now?: Date | undefined
  /**
   * When the machine of the logs was started. It dates times since boot, as `dmesg` prints them.
   *
   * @default for the kernel log of this machine, its own start; otherwise unknown
   */
  readonly booted?: Date | undefined
}

/**
 * Explains outages from logs: for each iSCSI session when it was lost, when its timer expired, what failed, when it came
 * back, and which hold would have prevented the damage. Reads syslog, dmesg, all forms of journalctl and the output of
 * log collectors, of any size, also compressed with gzip, zstd, xz or bzip2. Several files, rotated sets and directories
 * are merged by time; if one of several cannot be read, `inputs` says why. Changes nothing.
 *
 * @param logs files, directories, or `-` for standard input. Default: the kernel log of this machine, for which root is
 * required
 * @throws BAD_REQUEST an option is not valid
 * @throws USAGE standard input is named twice
 * @throws LOG_UNREADABLE NO_PERMISSION the only log cannot be read
 */
export async function explain(
  logs: string | readonly string[] | null = null,
  options: ExplainOptions = {},
): Promise<Explanation> {
  checkOptions('explain', options, { now: 'date', booted: 'date' })
  checkOptions('explain', { logs: logs ?? undefined }, { logs: ['string', 'strings'] })
  const paths = logs === null ? null : [logs].flat()
  if (paths?.length === 0) throw new LunkeeperError('BAD_REQUEST', 'explain: the list of logs is empty')
  const { now = new Date() } = options
  const booted = options.booted ?? (paths === null ? new Date(Date.now() - uptime() * 1000) : undefined)
  const open = paths === null ? [{ name: '/dev/kmsg', bytes: logSource(null) }] : await logFiles(paths)
  return explainAll(open, { now, ...(booted ? { booted } : {}) })
}

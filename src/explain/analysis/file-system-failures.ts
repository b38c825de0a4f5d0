import type { FileSystemFailure, FileSystemFailureKind } from '../report.ts'
import type { LogMoment } from './moment.ts'
import { isoOf, uptimeOf } from './moment.ts'

/** The failures of file systems that belong to one outage or cause, by device and kind. */
export type OpenFileSystemFailures = Map<
  string,
  { device: string; type: string; what: FileSystemFailureKind; at: LogMoment }
>

/** The failures for the report, after the whole log was read. */
export function concludeFileSystems(failures: OpenFileSystemFailures): FileSystemFailure[] {
  return [...failures.values()].map(({ at, ...failure }) => ({
    ...failure,
    at: isoOf(at),
    uptime: uptimeOf(at),
  }))
}

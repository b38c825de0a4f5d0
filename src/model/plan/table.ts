const SECTOR_BYTES = 512

/** A path of a hold map: its block device number, and its group. */
export interface TablePath {
  /** 8:16 */
  readonly devno: string
  /** The path's ALUA access state; paths in the same state share I/O. Null if the target does not report one. */
  readonly access: string | null
}

/** ALUA states from best to worst (SPC-6 5.18.2.4); a state that cannot serve I/O now may be able to later. */
const ORDER = ['active/optimized', 'active/non-optimized', 'standby', 'lba-dependent', 'unavailable']

/**
 * The table of a hold map: dm-multipath over these paths, queueing if none is usable
 * (drivers/md/dm-mpath.c:multipath_ctr). A map without paths queues from the start.
 */
export function holdTable(bytes: number, paths: readonly TablePath[]): string {
  const groups = Object.values(Object.groupBy(paths, ({ access }) => access ?? '')).map((group) => group!)
  const rank = (group: readonly TablePath[]) => ORDER.indexOf(group[0]!.access ?? ORDER[0]!)
  const ordered = groups.toSorted((a, b) => rank(a) - rank(b))
  const words = [
    '0',
    Math.floor(bytes / SECTOR_BYTES),
    'multipath',
    '1 queue_if_no_path',
    '0',
    groups.length,
    groups.length === 0 ? 0 : 1,
    ...ordered.map(
      (group) => `service-time 0 ${group.length} 1 ${group.map(({ devno }) => `${devno} 1`).join(' ')}`,
    ),
  ]
  return words.join(' ')
}

/** The state of a hold map in the kernel: whether it queues without a path, and which paths carry I/O. */
export interface HoldMapState {
  readonly queueing: boolean
  readonly paths: readonly { readonly devno: string; readonly active: boolean }[]
}

/** Parses a line of `dmsetup status` (drivers/md/dm-mpath.c:multipath_status): `8:16 A 0` for each path. */
export function parsePaths(status: string): HoldMapState['paths'] {
  // The repetition is bounded, so that a long run of digits takes linear time.
  return [...status.matchAll(/(?<!\d)(\d{1,10}:\d{1,10}) ([AF]) \d/g)].map(([, devno, state]) => ({
    devno: devno!,
    active: state === 'A',
  }))
}

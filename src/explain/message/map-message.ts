import type { Event } from './event.ts'
import { cause } from './event.ts'

const NAME = String.raw`([\w.:!+-]{1,128})`
const QUEUEING_ENDED = new RegExp(String.raw`^${NAME}: Disable queueing`, 'i')
const LAST_PATH_LOST = new RegExp(String.raw`^${NAME}: remaining active paths: 0\b`)
const WWID_CHANGED = new RegExp(String.raw`^${NAME}: path wwid change`)

/**
 * Parses multipathd's messages about maps and paths (multipathd/main.c, libmultipath/structs_vec.c); null if not
 * relevant.
 */
export function multipathdMessage(message: string): Event | null {
  const ended = QUEUEING_ENDED.exec(message)
  if (ended) return { kind: 'queueing ended', map: ended[1]! }
  const lost = LAST_PATH_LOST.exec(message)
  if (lost) return cause('paths-lost', lost[1]!, { detail: message.slice(0, 160) })
  const wwidChanged = WWID_CHANGED.exec(message)
  return wwidChanged && cause('path-swapped', wwidChanged[1]!, { detail: message.slice(0, 160) })
}

const POOL_FULL =
  /^device-mapper: thin: (\d{1,9}:\d{1,9}): (?:.*(?:out-of-data-space|no free space|out of data space|out of metadata space))/
const POOL_LOW = /^device-mapper: thin: (\d{1,9}:\d{1,9}): reached low water mark/
const NO_PATHS =
  /^device-mapper: multipath: (?:(\d{1,9}:\d{1,9}): )?.*(?:queue_if_no_path timeout|failing queued IO)/

/** Parses messages of device-mapper's thin and multipath targets (dm-thin.c, dm-mpath.c); null if not relevant. */
export function deviceMapperMessage(message: string): Event | null {
  const full = POOL_FULL.exec(message)
  if (full) return cause('no-space', `pool ${full[1]}`, { detail: message.slice(0, 160) })
  const low = POOL_LOW.exec(message)
  if (low) return cause('space-low', `pool ${low[1]}`, { detail: message.slice(0, 160) })
  const paths = NO_PATHS.exec(message)
  return paths && { kind: 'queueing ended', map: paths[1] ? `dm-${paths[1].split(':')[1]}` : 'a map' }
}

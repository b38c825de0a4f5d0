import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { readAttribute, readNumber } from './attribute.ts'

/** The timers by which a session detects a silent target; null if the kernel does not report them. */
export interface PingTimers {
  /** Seconds without a PDU until the session pings the target (node.conn[0].timeo.noop_out_interval). */
  readonly interval: number | null
  /** Seconds until the ping counts as unanswered (noop_out_timeout). */
  readonly timeout: number | null
}

export function readPingTimers({ sys }: HostPaths, sid: number): PingTimers {
  const connection = `${sys}/class/iscsi_connection/connection${sid}:0`
  return { interval: readNumber(`${connection}/recv_tmo`), timeout: readNumber(`${connection}/ping_tmo`) }
}

/** Seconds until the kernel aborts a command of the disk; null if it does not report them. */
export function readCommandTimer({ sys }: HostPaths, { hctl }: Pick<ScsiDisk, 'hctl'>): number | null {
  return readNumber(`${sys}/bus/scsi/devices/${formatHctl(hctl)}/timeout`)
}

/** Whether a disk has a volatile write cache, and whether the kernel makes it flush. */
export interface WriteCache {
  /** What the disk reports (drivers/scsi/sd.c:sd_cache_types): with `write back` it has a cache. */
  readonly reported: string | null
  /** What the block layer does: with `write through` it never sends a flush. */
  readonly used: string | null
}

export function readWriteCache({ sys }: HostPaths, { hctl, name }: ScsiDisk): WriteCache {
  const address = formatHctl(hctl)
  return {
    reported: readAttribute(`${sys}/class/scsi_disk/${address}/cache_type`),
    used: name === null ? null : readAttribute(`${sys}/class/block/${name}/queue/write_cache`),
  }
}

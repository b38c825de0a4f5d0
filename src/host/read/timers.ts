import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { readAttribute, readNumber } from './attribute.ts'

/** By which a session notices that its target has gone silent, in seconds; null where the kernel does not tell. */
export interface PingTimers {
  /** Seconds without a PDU until the target is asked (node.conn[0].timeo.noop_out_interval). */
  readonly interval: number | null
  /** Seconds for its answer (noop_out_timeout). */
  readonly timeout: number | null
}

export function readPingTimers({ sys }: HostPaths, sid: number): PingTimers {
  const connection = `${sys}/class/iscsi_connection/connection${sid}:0`
  return { interval: readNumber(`${connection}/recv_tmo`), timeout: readNumber(`${connection}/ping_tmo`) }
}

/** Seconds until the kernel aborts a command of the disk; null if it does not tell. */
export function readCommandTimer({ sys }: HostPaths, { hctl }: Pick<ScsiDisk, 'hctl'>): number | null {
  return readNumber(`${sys}/bus/scsi/devices/${formatHctl(hctl)}/timeout`)
}

/** Whether a disk has a volatile write cache, and whether the kernel makes it flush. */
export interface WriteCache {
  /** As the disk says (drivers/scsi/sd.c:sd_cache_types): `write back` has one. */
  readonly reported: string | null
  /** As the block layer acts: with `write through` no flush is ever sent. */
  readonly used: string | null
}

export function readWriteCache({ sys }: HostPaths, { hctl, name }: ScsiDisk): WriteCache {
  const address = formatHctl(hctl)
  return {
    reported: readAttribute(`${sys}/class/scsi_disk/${address}/cache_type`),
    used: name === null ? null : readAttribute(`${sys}/class/block/${name}/queue/write_cache`),
  }
}

import { diskOfNumber } from './disk-number.ts'
import type { Event } from './event.ts'
import { cause } from './event.ts'
import { fileSystemMessage } from './file-system-message.ts'
import { deviceMapperMessage } from './map-message.ts'
import { blockError, scsiSense } from './scsi-sense.ts'
import { targetKernelMessage } from './target-message.ts'

type ToEvent = (parts: readonly string[]) => Event

const connectionError = (parts: readonly string[]): Event => ({
  kind: 'connection error',
  by: 'kernel',
  session: Number(parts[1]),
  connection: Number(parts[2]),
  code: Number(parts[3]),
  words: null,
})

/** Messages of Linux 3.10 to 6.12. The patterns bound the length of every number and name. */
const MESSAGES: readonly (readonly [RegExp, ToEvent])[] = [
  // block: blk_print_req_error (6.x), print_req_error (4.x), blk_update_request (3.x, 5.x), end_request (older).
  [
    /^(?:(?:print_req_error|blk_update_request|end_request): )?(?:critical )?(?:I\/O|recoverable transport) error, dev ([\w-]{1,32})[, ]/,
    ([, device]) => ({ kind: 'I/O error', device: device! }),
  ],
  [
    /^Buffer I\/O error on dev(?:ice)? ([\w-]{1,32})[, ]/,
    ([, device]) => ({ kind: 'I/O error', device: device! }),
  ],
  [
    /^(?:print_req_error|blk_update_request|blk_print_req_error|end_request|buffer_io_error|quiet_error): (\d{1,9}) callbacks suppressed/,
    ([, count]) => ({ kind: 'messages suppressed', count: Number(count) }),
  ],
  // iscsi_cls_conn_printk, iscsi_cls_session_printk: drivers/scsi/scsi_transport_iscsi.c.
  [/^connection(\d{1,9}):(\d{1,5}): detected conn error \((\d{1,5})\)/, connectionError],
  [
    /^connection(\d{1,9}):(\d{1,5}): ping timeout of (\d{1,9}) secs expired(?:, recv timeout (\d{1,9}))?/,
    ([, session, connection, seconds, interval]) => ({
      kind: 'ping timeout',
      session: Number(session),
      connection: Number(connection),
      seconds: Number(seconds),
      interval: interval === undefined ? null : Number(interval),
    }),
  ],
  [
    /^session(\d{1,9}): session recovery timed out after (\d{1,9}) secs/,
    ([, session, seconds]) => ({ kind: 'timer expired', session: Number(session), seconds: Number(seconds) }),
  ],
  // scsi_add_host: the driver's name for the host; without "host" up to Linux 3.x.
  [
    /^scsi(?: host(\d{1,9}):|(\d{1,9}) :) (.{1,80})/,
    ([, host, older, name]) => ({
      kind: 'scsi host',
      host: Number(host ?? older),
      of: name!.startsWith('iSCSI Initiator over ')
        ? 'session'
        : /iscsi|qla4xxx/i.test(name!)
          ? 'adapter'
          : 'other',
    }),
  ],
  [
    /^sd (\d{1,9}:\d{1,9}:\d{1,9}:\d{1,20}): (?:\[\w+\] )?rejecting I\/O to (?:offline|dead) device/,
    ([, address]) => ({ kind: 'I/O rejected', address: address! }),
  ],
  [
    /^(?:sd|scsi) (\d{1,9}:\d{1,9}:\d{1,9}:\d{1,20}): (?:\[\w+\] )?Device offlined/,
    ([, address]) => ({ kind: 'device offlined', address: address! }),
  ],
  // sd.c:sd_print_capacity (also when the size changes), sd_probe.
  [
    /^sd (\d{1,9}:\d{1,9}:\d{1,9}:\d{1,20}): \[(sd[a-z]{1,8})\] (?:\d{1,20} \d{1,9}-byte logical blocks:|Attached SCSI)/,
    ([, address, disk]) => ({ kind: 'disk', address: address!, disk: disk!, isNew: true }),
  ],
  [
    /^sd (\d{1,9}:\d{1,9}:\d{1,9}:\d{1,20}): \[(sd[a-z]{1,8})\] /,
    ([, address, disk]) => ({ kind: 'disk', address: address!, disk: disk!, isNew: false }),
  ],
  [
    /^device-mapper: multipath: (?:\d{1,9}:(\d{1,9}): )?Failing path (\d{1,9}):(\d{1,9})/,
    ([, map, major, minor]) => ({
      kind: 'path failed',
      map: `dm-${map ?? '?'}`,
      disk: diskOfNumber(Number(major), Number(minor)),
    }),
  ],
  // libata-eh.c, libata-core.c.
  [
    /^ata(\d{1,5})(?:\.\d{1,2})?: (?:exception Emask|failed command: |error: \{|hard resetting link|disable device|disabled|detaching \(SCSI (\d{1,9}:\d{1,9}:\d{1,9}:\d{1,20})\))/,
    ([, port, address]) => ({ kind: 'ATA error', port: Number(port), address: address ?? null }),
  ],
  [/^Linux version \d/, () => ({ kind: 'boot' })],
  [
    /^INFO: task (\S{1,64}):(\d{1,10}) blocked for more than (\d{1,9}) seconds/,
    ([message, task]) => cause('hung-task', task!, { detail: message! }),
  ],
]

/** Parses a message of the kernel; null if it is not relevant. */
export function kernelMessage(message: string): Event | null {
  const deviceError = scsiSense(message) ?? blockError(message)
  if (deviceError) return deviceError
  for (const [pattern, read] of MESSAGES) {
    const parts = pattern.exec(message)
    if (parts) return read(parts)
  }
  return fileSystemMessage(message) ?? deviceMapperMessage(message) ?? targetKernelMessage(message)
}

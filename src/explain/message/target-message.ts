import type { CauseKind } from '../cause-kind.ts'
import type { Event } from './event.ts'
import { cause } from './event.ts'

/** LIO: drivers/target/iscsi, target_core_tmr.c, target_core_device.c. */
const LIO: readonly (readonly [RegExp, CauseKind])[] = [
  [/^Unable to locate Target Portal Group on (\S{1,223})/, 'target-unconfigured'],
  [/^Unable to locate Target IQN: (\S{1,223}?)[,. ]/, 'target-unconfigured'],
  [/^iSCSI Login timeout on Network Portal (\S{1,80})/, 'login-timeout'],
  [/^iSCSI Initiator Node: (\S{1,223}) is not authorized to access iSCSI/, 'initiator-refused'],
  [/^TARGET_CORE\[\w{1,20}\]: Detected NON_EXISTENT_LUN Access for 0x([0-9a-f]{1,16})/i, 'lun-missing'],
  [/^ABORT_TASK: Found referenced (\w{1,20}) task_tag/, 'target-aborts'],
  [
    /^Did not receive response to NOPIN on CID: \d{1,5}, failing connection for I_T Nexus ([^\s,]{1,223})/,
    'initiator-silent',
  ],
]

/** SCST's kernel side: iscsi-scst/kernel, scst_targ.c. */
const SCST: readonly (readonly [RegExp, CauseKind])[] = [
  [/^(?:\[\d{1,10}\]: )?iscsi-scst: .*Timeout .*initiator (\S{1,223})/, 'initiator-silent'],
  [
    /^(?:\[\d{1,10}\]: )?iscsi-scst: .*[Cc]onnection .*initiator (\S{1,223}?) (?:unexpectedly )?closed/,
    'target-closed',
  ],
  [/^(?:\[\d{1,10}\]: )?scst: TM fn ABORT_TASK\S* .*?initiator (\S{1,223}?)[,) ]/, 'target-aborts'],
  [/^(?:\[\d{1,10}\]: )?scst: TM fn (ABORT_TASK)/, 'target-aborts'],
  [/^(?:\[\d{1,10}\]: )?dev_vdisk: \*\*\*ERROR\*\*\*: (\S{1,40})/, 'target-io-error'],
]

/** tgtd: usr/iscsi/iscsid.c, conn.c, usr/target.c, usr/bs_rdwr.c; each line names its function. */
const TGTD: readonly (readonly [RegExp, CauseKind])[] = [
  [/^bs_rdwr_request\(\d{1,6}\) .*No space left on device/, 'no-space'],
  [/^bs_\w{1,30}_request\(\d{1,6}\) io error/, 'target-io-error'],
  [/^abort_(?:task_set|cmd)\(\d{1,6}\) found/, 'target-aborts'],
  [/^conn_close\(\d{1,6}\) connection closed/, 'target-closed'],
]

/** Parses a kernel message of a target machine (LIO, SCST); null if it is not relevant. */
export function targetKernelMessage(message: string): Event | null {
  return firstMatch(LIO, message) ?? firstMatch(SCST, message)
}

/** Parses a message of tgtd or SCST's daemon; null if it is not relevant. */
export function targetDaemonMessage(message: string): Event | null {
  return firstMatch(TGTD, message) ?? firstMatch(SCST, message)
}

function firstMatch(messages: readonly (readonly [RegExp, CauseKind])[], message: string): Event | null {
  for (const [pattern, kind] of messages) {
    const parts = pattern.exec(message)
    if (parts) return cause(kind, parts[1] ?? 'the target', { detail: message.slice(0, 200) })
  }
  return null
}

import type { Host } from '../../host/host.ts'
import { hasTransport, isIscsidRunning, isIscsidTending, readInitiatorName } from '../../host/read/node.ts'
import type { ErrorCode } from '../../model/errors.ts'

/** A prerequisite for attaching volumes that this node lacks. */
export interface Lack {
  readonly code: ErrorCode
  /** Description and remedy. */
  readonly message: string
}

/** The missing prerequisites; nothing is started or contacted to find them. */
export function lacksOf({ paths }: Host): readonly Lack[] {
  // Its socket may be systemd's, which starts iscsid on the first connection.
  const iscsid = isIscsidRunning(paths) || isIscsidTending(paths)
  return [
    iscsid
      ? []
      : {
          code: 'ISCSID_DOWN' as const,
          message: 'iscsid is not running on this node (systemctl enable --now iscsid)',
        },
    // iscsid loads the module when it starts.
    hasTransport(paths) || iscsid
      ? []
      : {
          code: 'MODULE_MISSING' as const,
          message: 'the kernel module iscsi_tcp is missing (modprobe iscsi_tcp)',
        },
    readInitiatorName(paths)
      ? []
      : {
          code: 'ISCSID_DOWN' as const,
          message: '/etc/iscsi/initiatorname.iscsi contains no initiator name (create one with iscsi-iname)',
        },
  ].flat()
}

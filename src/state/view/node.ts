import type { Host } from '../../host/host.ts'
import { hasTransport, isIscsidRunning, isIscsidTending, readInitiatorName } from '../../host/read/node.ts'
import type { ErrorCode } from '../../model/errors.ts'

/** Something that this node lacks to attach volumes. */
export interface Lack {
  readonly code: ErrorCode
  /** What it is, and its remedy. */
  readonly message: string
}

/** What stands in the way of attaching anything; nothing is started or asked to find out. */
export function lacksOf({ paths }: Host): readonly Lack[] {
  // Its socket may be systemd's, which starts it for the first caller.
  const iscsid = isIscsidRunning(paths) || isIscsidTending(paths)
  return [
    iscsid
      ? []
      : {
          code: 'ISCSID_DOWN' as const,
          message: 'iscsid does not run on this node (systemctl enable --now iscsid)',
        },
    // iscsid loads the module when it starts.
    hasTransport(paths) || iscsid
      ? []
      : { code: 'MODULE_MISSING' as const, message: 'the kernel has no iscsi_tcp (modprobe iscsi_tcp)' },
    readInitiatorName(paths)
      ? []
      : {
          code: 'ISCSID_DOWN' as const,
          message: '/etc/iscsi/initiatorname.iscsi names no initiator (iscsi-iname makes a name)',
        },
  ].flat()
}

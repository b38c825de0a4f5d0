import { Code } from '@connectrpc/connect'

import { isIscsidRunning, isIscsidTending, hasTransport, readInitiatorName } from '../host/read/node.ts'
import type { Driver } from './driver.ts'
import { refusal } from './status.ts'

/** Whether volumes could be attached now. @throws FAILED_PRECONDITION what is missing, and its remedy */
export function probe({ host: { paths } }: Driver): void {
  const missing = [
    // Its socket may be systemd's, which starts it for the first caller.
    isIscsidRunning(paths) || isIscsidTending(paths)
      ? []
      : 'ISCSID_DOWN: iscsid does not run on this node (systemctl enable --now iscsid)',
    // iscsid loads the module when it starts.
    hasTransport(paths) || isIscsidRunning(paths)
      ? []
      : 'MODULE_MISSING: the kernel has no iscsi_tcp (modprobe iscsi_tcp)',
    readInitiatorName(paths)
      ? []
      : 'ISCSID_DOWN: /etc/iscsi/initiatorname.iscsi names no initiator (iscsi-iname makes one)',
  ].flat()
  if (missing.length > 0) throw refusal(Code.FailedPrecondition, missing.join('; '))
}

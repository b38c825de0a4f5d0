import type { Entry } from '../envelope/entry.ts'
import type { Event } from './event.ts'
import { iscsidMessage } from './iscsid-message.ts'
import { kernelMessage } from './kernel-message.ts'
import { kubeletMessage } from './kubelet-message.ts'
import { multipathdMessage } from './map-message.ts'
import { targetDaemonMessage } from './target-message.ts'

type Read = (message: string) => Event | null

const READERS: Readonly<Record<string, Read>> = {
  kernel: kernelMessage,
  kern: kernelMessage,
  iscsid: iscsidMessage,
  iscsiadm: iscsidMessage,
  iscsistart: iscsidMessage,
  'open-iscsi': iscsidMessage,
  'ext-iscsid': iscsidMessage,
  multipathd: multipathdMessage,
  multipath: multipathdMessage,
  kubelet: kubeletMessage,
  k3s: kubeletMessage,
  'k3s-agent': kubeletMessage,
  rke2: kubeletMessage,
  'rke2-agent': kubeletMessage,
  k0s: kubeletMessage,
  'kube-controller-manager': kubeletMessage,
  microk8s: kubeletMessage,
  'snap.microk8s.daemon-kubelite': kubeletMessage,
  tgtd: targetDaemonMessage,
  'iscsi-scstd': targetDaemonMessage,
}

/** Any of these may have written a line whose wrapper names no program. */
const ANY: readonly Read[] = [
  kernelMessage,
  iscsidMessage,
  multipathdMessage,
  kubeletMessage,
  targetDaemonMessage,
]

/** Parses a message; null if it is not relevant, or is another program's. */
export function readMessage({ program, message }: Entry): Event | null {
  if (program !== null) return Object.hasOwn(READERS, program) ? READERS[program]!(message) : null
  for (const read of ANY) {
    const event = read(message)
    if (event) return event
  }
  return null
}

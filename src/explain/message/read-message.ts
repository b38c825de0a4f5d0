import type { SystemLogEntry } from '../envelope/entry.ts'
import type { Event } from './event.ts'
import { iscsidMessage } from './iscsid-message.ts'
import { kernelMessage } from './kernel-message.ts'
import { kubeletMessage } from './kubelet-message.ts'
import { multipathdMessage } from './map-message.ts'
import { targetDaemonMessage } from './target-message.ts'

type Parser = (message: string) => Event | null

const PARSERS: Readonly<Record<string, Parser>> = {
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

/** Tried in turn if the line names no program. */
const ALL_PARSERS: readonly Parser[] = [
  kernelMessage,
  iscsidMessage,
  multipathdMessage,
  kubeletMessage,
  targetDaemonMessage,
]

/** Parses a message; null if it is not relevant, or if another program wrote it. */
export function readMessage({ program, message }: SystemLogEntry): Event | null {
  if (program !== null) return Object.hasOwn(PARSERS, program) ? PARSERS[program]!(message) : null
  for (const parse of ALL_PARSERS) {
    const event = parse(message)
    if (event) return event
  }
  return null
}

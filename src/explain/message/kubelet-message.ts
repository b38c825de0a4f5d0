import type { Event } from './event.ts'
import { cause } from './event.ts'

const FAILED =
  /\b(MountVolume|UnmountVolume|MapVolume)\.(\w{1,40}) failed for volume \\?"([^"\\]{1,253})\\?"(.{0,400})/s
const MULTI_ATTACH = /Multi-Attach error for volume \\?"([^"\\]{1,253})\\?"/
const UNMOUNTED = /Unable to attach or mount volumes: unmounted volumes=\[([^\]]{1,253})\]/

/**
 * Parses a message of the kubelet or a Kubernetes event about a volume that could not be mounted; null if it is not
 * relevant.
 */
export function kubeletMessage(message: string): Event | null {
  const multiAttach = MULTI_ATTACH.exec(message)
  if (multiAttach) return cause('attached-elsewhere', multiAttach[1]!, { detail: message.slice(0, 160) })
  const failed = FAILED.exec(message)
  if (failed) {
    const [, what, step, volume, why] = failed
    return cause('mount-failed', volume!, { detail: `${what}.${step}: ${reasonOf(why!)}`.slice(0, 300) })
  }
  const unmounted = UNMOUNTED.exec(message)
  return (
    unmounted && cause('mount-failed', unmounted[1]!.split(/[ ,]/)[0]!, { detail: message.slice(0, 160) })
  )
}

/** The reason in the rest of a message, after the volume's identifier and its pod. */
function reasonOf(text: string): string {
  const at = text.search(/ : |: rpc error|: mount failed/)
  return text.slice(at === -1 ? 0 : at).replace(/^[\s:]+/, '')
}

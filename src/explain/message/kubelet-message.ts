import type { Event } from './event.ts'
import { cause } from './event.ts'

const FAILED =
  /\b(MountVolume|UnmountVolume|MapVolume)\.(\w{1,40}) failed for volume \\?"([^"\\]{1,253})\\?"(.{0,400})/s
const ATTACHED = /Multi-Attach error for volume \\?"([^"\\]{1,253})\\?"/
const WAITS = /Unable to attach or mount volumes: unmounted volumes=\[([^\]]{1,253})\]/

/**
 * Parses what a kubelet or a Kubernetes event says about volumes that could not be mounted; null if it is not relevant.
 */
export function kubeletMessage(message: string): Event | null {
  const attached = ATTACHED.exec(message)
  if (attached) return cause('attached-elsewhere', attached[1]!, { detail: message.slice(0, 160) })
  const failed = FAILED.exec(message)
  if (failed) {
    const [, what, step, volume, why] = failed
    return cause('mount-failed', volume!, { detail: `${what}.${step}: ${reasonOf(why!)}`.slice(0, 300) })
  }
  const waits = WAITS.exec(message)
  return waits && cause('mount-failed', waits[1]!.split(/[ ,]/)[0]!, { detail: message.slice(0, 160) })
}

/** What follows the volume's identifier and its pod. */
function reasonOf(text: string): string {
  const at = text.search(/ : |: rpc error|: mount failed/)
  return text.slice(at === -1 ? 0 : at).replace(/^[\s:]+/, '')
}

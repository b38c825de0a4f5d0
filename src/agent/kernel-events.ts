import type { Host } from '../host/host.ts'
import { followKernelEvents } from '../host/read/kernel-events.ts'

/** The events that the kernel sends about the disks and maps of this node. */
export interface KernelHints {
  /** A path of this device-mapper map was failed or reinstated. */
  pathChanged(map: string, to: 'failed' | 'active'): void
  /** The target reported a change of a LUN, its capacity or the LUN list: identities are checked. */
  lunChanged(): void
  /** Events are reported from now on; earlier ones may have been missed. */
  listening(): void
}

/** Changes of a LUN that a target reports in a unit attention (drivers/scsi/scsi_lib.c:scsi_evt_emit). */
const UNIT_ATTENTION = 'SDEV_UA'

/**
 * Passes on the kernel's own events, so that the agent notices a failed path at once, and also what a target
 * reports about its LUNs. If events are not available, the agent's periodic looks find the same later.
 */
export function followHints(host: Host, hints: KernelHints, signal: AbortSignal): void {
  void followKernelEvents(
    host,
    (event) => {
      const map = event.get('DM_NAME')
      const action = event.get('DM_ACTION')
      if (map !== undefined && (action === 'PATH_FAILED' || action === 'PATH_REINSTATED'))
        hints.pathChanged(map, action === 'PATH_FAILED' ? 'failed' : 'active')
      else if (event.has(UNIT_ATTENTION) || event.get('RESIZE') === '1') hints.lunChanged()
    },
    signal,
    () => hints.listening(),
  )
}

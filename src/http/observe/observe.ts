import { diagnose } from '../../doctor/diagnose.ts'
import { observeVolumes } from '../../hold/observe-volumes.ts'
import type { Host } from '../../host/host.ts'
import type { VolumeStatus } from '../../model/attachment.ts'
import { listSessions } from '../../state/view/sessions.ts'
import { listVolumeMounts } from '../../state/view/volume-mounts.ts'
import type { PartName } from './protocol.ts'

/**
 * How often findings are looked for: doctor starts programs, and writes and removes a file on each file system. At once
 * after a change of a state, but not more often than the second number allows.
 */
const FINDINGS_INTERVAL_MS = 60_000
const FINDINGS_PAUSE_MS = 5_000

/**
 * Reads the node for the page and the API, until the signal is aborted.
 * @param told called with a part whenever its JSON has changed
 * @param fault called with an error of one reading; the next one is made all the same
 */
export async function observe(
  host: Host,
  {
    told,
    alive,
    fault,
    signal,
  }: {
    readonly told: (name: PartName, json: string) => void
    /** Called after each reading. */
    readonly alive: () => void
    readonly fault: (error: unknown) => void
    readonly signal: AbortSignal
  },
): Promise<void> {
  const last = new Map<PartName, string>()
  const tell = (name: PartName, data: unknown) => {
    const json = JSON.stringify(data)
    if (last.get(name) === json) return
    last.set(name, json)
    told(name, json)
  }
  const tryTo = (work: () => void) => {
    try {
      work()
    } catch (error) {
      fault(error)
    }
  }
  let states = ''
  let dueMs = 0
  let diagnosedMs = Number.NEGATIVE_INFINITY
  let isDiagnosing = false

  function findings(volumes: readonly VolumeStatus[]): void {
    const nowMs = performance.now()
    const seen = JSON.stringify(volumes.map(({ name, state, mount, paths }) => [name, state, mount, paths]))
    if (seen !== states) dueMs = Math.min(dueMs, Math.max(nowMs, diagnosedMs + FINDINGS_PAUSE_MS))
    states = seen
    if (isDiagnosing || nowMs < dueMs) return
    isDiagnosing = true
    dueMs = Number.POSITIVE_INFINITY
    void diagnose(host)
      .then((found) => signal.aborted || tell('findings', found))
      .catch(fault)
      .finally(() => {
        isDiagnosing = false
        diagnosedMs = performance.now()
        dueMs = Math.max(dueMs, diagnosedMs + FINDINGS_PAUSE_MS)
        dueMs = Math.min(dueMs, diagnosedMs + FINDINGS_INTERVAL_MS)
      })
  }

  const look = ({ volumes }: { readonly volumes: readonly VolumeStatus[] }) => {
    tell('volumes', volumes)
    tryTo(() => tell('sessions', listSessions(host)))
    tryTo(() => tell('mounts', listVolumeMounts(host)))
    findings(volumes)
    alive()
  }
  while (!signal.aborted) {
    try {
      await observeVolumes(host, look, signal)
    } catch (error) {
      fault(error)
      await new Promise((resolve) => setTimeout(resolve, FINDINGS_PAUSE_MS))
    }
  }
}

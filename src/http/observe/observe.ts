import { diagnose } from '../../doctor/diagnose.ts'
import { observeVolumes } from '../../hold/observe-volumes.ts'
import type { Host } from '../../host/host.ts'
import type { VolumeStatus } from '../../model/attachment.ts'
import { listSessions } from '../../state/view/sessions.ts'
import { listVolumeMounts } from '../../state/view/volume-mounts.ts'
import type { PartName } from './protocol.ts'

/** How often doctor runs: it starts programs, and writes and removes a file on each file system. */
const FINDINGS_INTERVAL_MS = 60_000
/** A change of a volume makes doctor run at once, but not sooner after the last run than this. */
const MIN_FINDINGS_INTERVAL_MS = 5_000

/**
 * Reads the node for the page and the API, until the signal is aborted.
 */
export async function observe(
  host: Host,
  {
    onPart,
    onAlive,
    onError,
    signal,
  }: {
    /** Called with a part when its JSON has changed. */
    readonly onPart: (name: PartName, json: string) => void
    /** Called after each reading of the node. */
    readonly onAlive: () => void
    /** Called when a reading failed. Reading continues. */
    readonly onError: (error: unknown) => void
    readonly signal: AbortSignal
  },
): Promise<void> {
  const last = new Map<PartName, string>()
  const publish = (name: PartName, data: unknown) => {
    const json = JSON.stringify(data)
    if (last.get(name) === json) return
    last.set(name, json)
    onPart(name, json)
  }
  const attempt = (work: () => void) => {
    try {
      work()
    } catch (error) {
      onError(error)
    }
  }
  let lastStates = ''
  let nextDiagnosisMs = 0
  let lastDiagnosisMs = Number.NEGATIVE_INFINITY
  let isDiagnosing = false

  function diagnoseIfDue(volumes: readonly VolumeStatus[]): void {
    const nowMs = performance.now()
    const states = JSON.stringify(volumes.map(({ name, state, mount, paths }) => [name, state, mount, paths]))
    if (states !== lastStates)
      nextDiagnosisMs = Math.min(nextDiagnosisMs, Math.max(nowMs, lastDiagnosisMs + MIN_FINDINGS_INTERVAL_MS))
    lastStates = states
    if (isDiagnosing || nowMs < nextDiagnosisMs) return
    isDiagnosing = true
    nextDiagnosisMs = Number.POSITIVE_INFINITY
    void diagnose(host)
      .then((found) => signal.aborted || publish('findings', found))
      .catch(onError)
      .finally(() => {
        isDiagnosing = false
        lastDiagnosisMs = performance.now()
        nextDiagnosisMs = Math.max(nextDiagnosisMs, lastDiagnosisMs + MIN_FINDINGS_INTERVAL_MS)
        nextDiagnosisMs = Math.min(nextDiagnosisMs, lastDiagnosisMs + FINDINGS_INTERVAL_MS)
      })
  }

  const readRest = ({ volumes }: { readonly volumes: readonly VolumeStatus[] }) => {
    publish('volumes', volumes)
    attempt(() => publish('sessions', listSessions(host)))
    attempt(() => publish('mounts', listVolumeMounts(host)))
    diagnoseIfDue(volumes)
    onAlive()
  }
  while (!signal.aborted) {
    try {
      await observeVolumes(host, readRest, signal)
    } catch (error) {
      onError(error)
      await new Promise((resolve) => setTimeout(resolve, MIN_FINDINGS_INTERVAL_MS))
    }
  }
}

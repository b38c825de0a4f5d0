import { observeVolumes } from '../../hold/observe-volumes.ts'
import type { Host } from '../../host/host.ts'
import type { VolumeStatus } from '../../model/attachment.ts'
import { listSessions } from '../../state/view/sessions.ts'
import { listVolumeMounts } from '../../state/view/volume-mounts.ts'
import { FindingsObserver } from './findings.ts'
import type { PartName } from './protocol.ts'

/** How long to wait before reading starts again after an error. */
const RETRY_DELAY_MS = 5_000

export interface ObserveOptions {
  /** Called with a part when its JSON has changed. */
  readonly onPart: (name: PartName, json: string) => void
  /** Called after each reading of the node. */
  readonly onAlive: () => void
  /** Called when a reading failed. Reading continues. */
  readonly onError: (error: unknown) => void
  readonly signal: AbortSignal
}

/** Reads the node for the page and the API until the signal is aborted. */
export async function observe(
  host: Host,
  { onPart, onAlive, onError, signal }: ObserveOptions,
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
  const findings = new FindingsObserver(
    host,
    (found) => {
      if (!signal.aborted) publish('findings', found)
    },
    onError,
  )
  const readRest = ({ volumes }: { readonly volumes: readonly VolumeStatus[] }) => {
    publish('volumes', volumes)
    attempt(() => publish('sessions', listSessions(host)))
    attempt(() => publish('mounts', listVolumeMounts(host)))
    findings.runIfDue(volumes)
    onAlive()
  }
  while (!signal.aborted) {
    try {
      await observeVolumes(host, readRest, signal)
    } catch (error) {
      onError(error)
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS))
    }
  }
}

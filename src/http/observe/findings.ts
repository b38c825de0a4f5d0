import { diagnose } from '../../doctor/diagnose.ts'
import type { Finding } from '../../doctor/finding.ts'
import type { Host } from '../../host/host.ts'
import type { VolumeStatus } from '../../model/attachment.ts'

/** How often doctor runs: it starts programs, and writes and removes a file on each file system. */
const FINDINGS_INTERVAL_MS = 60_000
/** A change of a volume makes doctor run at once, but not sooner after the last run than this. */
const MIN_FINDINGS_INTERVAL_MS = 5_000

/** Runs doctor at intervals and after changes of volumes. Does not wait for it. */
export class FindingsObserver {
  readonly #host: Host
  readonly #onFindings: (findings: readonly Finding[]) => void
  readonly #onError: (error: unknown) => void
  #lastStates = ''
  #nextRunMs = 0
  #lastRunMs = Number.NEGATIVE_INFINITY
  #isRunning = false

  constructor(
    host: Host,
    onFindings: (findings: readonly Finding[]) => void,
    onError: (error: unknown) => void,
  ) {
    this.#host = host
    this.#onFindings = onFindings
    this.#onError = onError
  }

  /** Starts doctor if it is due. @param volumes their current state */
  runIfDue(volumes: readonly VolumeStatus[]): void {
    const nowMs = performance.now()
    const states = JSON.stringify(volumes.map(({ name, state, mount, paths }) => [name, state, mount, paths]))
    if (states !== this.#lastStates)
      this.#nextRunMs = Math.min(this.#nextRunMs, Math.max(nowMs, this.#lastRunMs + MIN_FINDINGS_INTERVAL_MS))
    this.#lastStates = states
    if (!this.#isRunning && nowMs >= this.#nextRunMs) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    this.#nextRunMs = Number.POSITIVE_INFINITY
    try {
      this.#onFindings(await diagnose(this.#host))
    } catch (error) {
      this.#onError(error)
    } finally {
      this.#isRunning = false
      this.#lastRunMs = performance.now()
      // A change during the run may have set an earlier time.
      const earliestMs = Math.max(this.#nextRunMs, this.#lastRunMs + MIN_FINDINGS_INTERVAL_MS)
      this.#nextRunMs = Math.min(earliestMs, this.#lastRunMs + FINDINGS_INTERVAL_MS)
    }
  }
}

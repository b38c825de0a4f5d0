import { followHolds } from '../hold/follow.ts'
import { readRecords } from '../state/records/volumes.ts'
import { readHoldNotes } from '../state/records/hold-note.ts'
import type { Host } from '../host/host.ts'
import type { Account } from './api/account.ts'
import { openApi } from './api/client.ts'
import { NodePods } from './api/node-pods.ts'
import type { Subject } from './api/objects.ts'
import { findPersistentVolume } from './api/objects.ts'
import { readNodeHealth } from './condition/node-health.ts'
import { ConditionWriter } from './condition/condition-writer.ts'
import { conditionAfterStop } from './condition/condition.ts'
import { EventQueue } from './events/event-queue.ts'
import { sendEvent } from './events/send.ts'
import { EventReporter } from './events/event-reporter.ts'
import { brokenVolumes } from './evict/broken-volumes.ts'
import { Evictor } from './evict/evictor.ts'

/** How often the hold notes, a few small files, are read. */
const POLL_INTERVAL_MS = 1_000
/**
 * How often the health of all volumes is read, because a volume that its session or multipathd holds may have no hold
 * note: as often as the agent looks at every volume.
 */
const HEALTH_CHECK_INTERVAL_MS = 20_000
/** How long a stopping agent tries to write its last condition. */
const LAST_WRITE_DEADLINE_MS = 5_000

export interface KubernetesOptions {
  readonly account: Account
  /** Name of this node in Kubernetes. */
  readonly node: string
  /** Whether to evict the pods of broken volumes. */
  readonly evict: boolean
  /** Writes one line of the log. */
  readonly say: (line: string) => void
}

/**
 * Reports the state of this node's volumes to Kubernetes, by events and a node condition. It only reads the state
 * of the agent and the kernel, and nothing depends on it: a slow or absent API server does not delay a hold, and a
 * bug here does not end the agent.
 */
export function serveKubernetes(host: Host, options: KubernetesOptions): AsyncDisposable {
  const { account, node, evict, say } = options
  const stop = new AbortController()
  const { signal } = stop
  const api = openApi(account)
  const pods = new NodePods(api, node)
  const writer = new ConditionWriter(api, node, say)
  const evictor = new Evictor(api, pods, say)
  const queue = new EventQueue<Subject>(async (subject, counted) => {
    const object = await (subject.kind === 'Pod'
      ? pods.find(subject.uid, signal)
      : findPersistentVolume(api, subject.name, signal))
    if (object) await sendEvent(api, object, counted, node, signal)
  }, say)
  const reporter = new EventReporter(host, (subject, event) => queue.put(subject, event))
  const fault = (error: unknown) =>
    say(`kubernetes: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  const safely =
    <A extends unknown[]>(work: (...args: A) => void) =>
    (...args: A) => {
      try {
        work(...args)
      } catch (error) {
        fault(error)
      }
    }

  let nextCheckMs = 0
  let lastCheck = 0
  const changed = safely((change: Parameters<EventReporter['reportChange']>[0]) => {
    nextCheckMs = 0
    reporter.reportChange(change)
  })
  const poll = safely(() => {
    const notes = readHoldNotes(host)
    for (const [name, note] of notes) reporter.warnOfExpiry(name, note)
    if (evict) void evictor.process(brokenVolumes(host, notes, reporter), signal).catch(fault)
    if (performance.now() < nextCheckMs) return
    nextCheckMs = performance.now() + HEALTH_CHECK_INTERVAL_MS
    reporter.reportUnguarded(readRecords(host).attachments)
    const check = ++lastCheck
    // A check that started earlier may end later, and must not overwrite the result of a newer one.
    void readNodeHealth(host)
      .then((condition) => check === lastCheck && writer.set(condition))
      .catch(fault)
  })

  const following = followHolds(host, changed)
  // Events that a previous agent has sent are recognized in the API, and not repeated.
  for (const [name, after] of readHoldNotes(host)) changed({ name, before: null, after })
  poll()
  const timer = setInterval(poll, POLL_INTERVAL_MS)
  const running = [queue.run(signal).catch(fault), writer.run(signal).catch(fault)]
  say(`kubernetes: reporting volumes as node ${node}${evict ? ', evicting the pods of broken ones' : ''}`)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      following[Symbol.dispose]()
      stop.abort()
      await Promise.all(running)
      await writer
        .write(conditionAfterStop(writer.condition), AbortSignal.timeout(LAST_WRITE_DEADLINE_MS))
        .catch(() => {})
      api[Symbol.dispose]()
    },
  }
}

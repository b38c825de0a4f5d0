import type { Api } from '../api/client.ts'
import type { NodePods } from '../api/node-pods.ts'
import type { Pod } from '../api/objects.ts'
import { retryDelay } from '../api/retry-delay.ts'
import { shortMessage, ApiError } from '../api/api-error.ts'
import type { VolumeEvent } from '../events/volume-event.ts'
import { evictPod } from './evict.ts'

/** How long a terminating pod is not checked again. */
const TERMINATING_INTERVAL_MS = 10_000

/** A volume whose target is back and whose file system is broken, with the pods that block its remount. */
export interface BrokenVolume {
  /** Distinguishes outages. */
  readonly outage: string
  readonly pods: readonly string[]
  /** Reports the result for a pod. */
  readonly report: (pod: string, event: VolumeEvent) => void
}

/** The state of one pod. */
interface Eviction {
  isDone: boolean
  tries: number
  /** Milliseconds of the monotonic clock. */
  due: number
}

/** Evicts each pod of a broken volume once. */
export class Evictor {
  readonly #api: Api
  readonly #pods: NodePods
  readonly #say: (line: string) => void
  readonly #evictions = new Map<string, Eviction>()
  #busy = false

  constructor(api: Api, pods: NodePods, say: (line: string) => void) {
    this.#api = api
    this.#pods = pods
    this.#say = say
  }

  /** Evicts the pods whose turn it is. Returns immediately if an earlier call is still running. */
  async process(broken: readonly BrokenVolume[], signal: AbortSignal): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      const meant = new Set(broken.flatMap(({ pods }) => pods))
      for (const uid of this.#evictions.keys()) if (!meant.has(uid)) this.#evictions.delete(uid)
      for (const volume of broken) for (const uid of volume.pods) await this.#processPod(volume, uid, signal)
    } finally {
      this.#busy = false
    }
  }

  async #processPod(volume: BrokenVolume, uid: string, signal: AbortSignal): Promise<void> {
    const known = this.#evictions.get(uid) ?? { isDone: false, tries: 0, due: 0 }
    this.#evictions.set(uid, known)
    if (known.isDone || performance.now() < known.due || signal.aborted) return
    try {
      known.isDone = await this.#evict(volume, uid, signal)
      known.due = performance.now() + TERMINATING_INTERVAL_MS
    } catch (error) {
      if (signal.aborted) return
      this.#pods.forget()
      known.due = performance.now() + retryDelay(++known.tries, error)
      if (error instanceof ApiError && error.status === 429) volume.report(uid, refused(volume, error))
      else if (known.tries === 1)
        this.#say(`kubernetes: pod ${uid} cannot be evicted yet: ${shortMessage(error)}`)
    }
  }

  /** @returns whether nothing more is to be done for the pod */
  async #evict(volume: BrokenVolume, uid: string, signal: AbortSignal): Promise<boolean> {
    const pod = await this.#pods.find(uid, signal)
    // The pod is gone, or it is a static pod, which the API has under another UID.
    if (pod === null) return true
    if (pod.isEnding) return false
    if (pod.controller === null) {
      volume.report(uid, notEvicted(volume))
      return true
    }
    if ((await evictPod(this.#api, pod, signal)) === 'evicted') {
      this.#say(`kubernetes: pod ${pod.namespace}/${pod.name} was evicted: one of its volumes is broken`)
      volume.report(uid, evicted(volume, pod))
    }
    return true
  }
}

function evicted({ outage }: BrokenVolume, { namespace, name }: Pod): VolumeEvent {
  return {
    reason: 'PodEvicted',
    type: 'Normal',
    message: `pod ${namespace}/${name} was evicted because its file system is broken: the next pod gets it checked and remounted`,
    id: outage,
  }
}

function refused({ outage }: BrokenVolume, { message }: ApiError): VolumeEvent {
  return {
    reason: 'PodEvictionRefused',
    type: 'Warning',
    message: `the pod has a broken file system and cannot be evicted yet: ${message}`,
    id: outage,
  }
}

function notEvicted({ outage }: BrokenVolume): VolumeEvent {
  return {
    reason: 'PodNotEvicted',
    type: 'Warning',
    message:
      'the pod has a broken file system, and was not evicted because no controller would recreate it: delete it',
    id: outage,
  }
}

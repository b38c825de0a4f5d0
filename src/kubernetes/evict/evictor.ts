import type { Api } from '../api/client.ts'
import type { NodePods } from '../api/node-pods.ts'
import type { Pod } from '../api/objects.ts'
import { retryDelay } from '../api/retry-delay.ts'
import { shortMessage, ApiError } from '../api/api-error.ts'
import type { VolumeEvent } from '../events/volume-event.ts'
import { evictPod } from './evict.ts'

/** A terminating pod is not checked again before this time. */
const ENDING = 10_000

/** A volume whose target is back and whose file system is broken, with the pods that block its remount. */
export interface BrokenVolume {
  /** Distinguishes outages. */
  readonly outage: string
  readonly pods: readonly string[]
  /** Called with the result for each pod. */
  readonly tell: (pod: string, event: VolumeEvent) => void
}

interface Case {
  isDone: boolean
  tries: number
  /** Milliseconds of the monotonic clock. */
  due: number
}

/** Evicts the pods of broken volumes, each once. */
export class Evictor {
  readonly #api: Api
  readonly #pods: NodePods
  readonly #say: (line: string) => void
  readonly #cases = new Map<string, Case>()
  #busy = false

  constructor(api: Api, pods: NodePods, say: (line: string) => void) {
    this.#api = api
    this.#pods = pods
    this.#say = say
  }

  /** Processes what is due; returns immediately if it is already running. */
  async look(broken: readonly BrokenVolume[], signal: AbortSignal): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      const meant = new Set(broken.flatMap(({ pods }) => pods))
      for (const uid of this.#cases.keys()) if (!meant.has(uid)) this.#cases.delete(uid)
      for (const volume of broken) for (const uid of volume.pods) await this.#tend(volume, uid, signal)
    } finally {
      this.#busy = false
    }
  }

  async #tend(volume: BrokenVolume, uid: string, signal: AbortSignal): Promise<void> {
    const known = this.#cases.get(uid) ?? { isDone: false, tries: 0, due: 0 }
    this.#cases.set(uid, known)
    if (known.isDone || performance.now() < known.due || signal.aborted) return
    try {
      known.isDone = await this.#evict(volume, uid, signal)
      known.due = performance.now() + ENDING
    } catch (error) {
      if (signal.aborted) return
      this.#pods.forget()
      known.due = performance.now() + retryDelay(++known.tries, error)
      if (error instanceof ApiError && error.status === 429) volume.tell(uid, refused(volume, error))
      else if (known.tries === 1)
        this.#say(`kubernetes: pod ${uid} cannot be evicted yet: ${shortMessage(error)}`)
    }
  }

  /** @returns whether nothing is left to do for the pod */
  async #evict(volume: BrokenVolume, uid: string, signal: AbortSignal): Promise<boolean> {
    const pod = await this.#pods.find(uid, signal)
    // The pod is gone; or the kubelet runs it from a file (static pod), and then the API has it under another UID.
    if (pod === null) return true
    if (pod.isEnding) return false
    if (pod.controller === null) {
      volume.tell(uid, notEvicted(volume))
      return true
    }
    if ((await evictPod(this.#api, pod, signal)) === 'evicted') {
      this.#say(`kubernetes: pod ${pod.namespace}/${pod.name} was evicted: one of its volumes is broken`)
      volume.tell(uid, evicted(volume, pod))
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

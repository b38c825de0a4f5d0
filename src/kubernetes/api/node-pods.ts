import type { Api } from './client.ts'
import type { Pod } from './objects.ts'
import { listPods } from './objects.ts'

/** A list younger than this contains every pod that had its volume before the outage. */
const LIST_LIFETIME_MS = 10_000

/** The pods of this node, read once for all callers at one time. */
export class NodePods {
  readonly #api: Api
  readonly #node: string
  #readMs = Number.NEGATIVE_INFINITY
  #pods: readonly Pod[] = []

  constructor(api: Api, node: string) {
    this.#api = api
    this.#node = node
  }

  /** The pod with this UID; null if it does not exist on this node. */
  async find(uid: string, signal: AbortSignal): Promise<Pod | null> {
    if (performance.now() - this.#readMs > LIST_LIFETIME_MS) {
      this.#pods = await listPods(this.#api, this.#node, signal)
      this.#readMs = performance.now()
    }
    return this.#pods.find((pod) => pod.uid === uid) ?? null
  }

  /** Discards the cached list. */
  forget(): void {
    this.#readMs = Number.NEGATIVE_INFINITY
  }
}

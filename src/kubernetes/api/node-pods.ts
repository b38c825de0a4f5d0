import type { Api } from './client.ts'
import type { Pod } from './objects.ts'
import { listPods } from './objects.ts'

/** A list of this age contains every pod that had its volume before the outage. */
const COUNTS = 10_000

/** The pods of this node, read once for all questions at one moment. */
export class NodePods {
  readonly #api: Api
  readonly #node: string
  #read = Number.NEGATIVE_INFINITY
  #pods: readonly Pod[] = []

  constructor(api: Api, node: string) {
    this.#api = api
    this.#node = node
  }

  /** Null if it does not exist on this node. */
  async find(uid: string, signal: AbortSignal): Promise<Pod | null> {
    if (performance.now() - this.#read > COUNTS) {
      this.#pods = await listPods(this.#api, this.#node, signal)
      this.#read = performance.now()
    }
    return this.#pods.find((pod) => pod.uid === uid) ?? null
  }

  /** Discards the cached list. */
  forget(): void {
    this.#read = Number.NEGATIVE_INFINITY
  }
}

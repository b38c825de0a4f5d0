import { setTimeout as sleep } from 'node:timers/promises'

import * as z from 'zod/mini'

import type { Api } from '../api/client.ts'
import { retryDelay } from '../api/retry-delay.ts'
import { InterruptiblePause } from '../api/interruptible-pause.ts'
import { expectStatus, shortMessage } from '../api/api-error.ts'
import type { Condition } from './condition.ts'
import { CONDITION } from './condition.ts'

/**
 * In milliseconds. `heartbeat`: how often an unchanged condition is written, as a kubelet does (nodeStatusReportFrequency).
 * `pause`: the minimum between two writes, for a flapping volume.
 */
const PACE = { heartbeat: 300_000, pause: 5_000 }

const node = z.object({
  status: z.object({
    conditions: z.optional(
      z.array(z.object({ type: z.string(), status: z.string(), lastTransitionTime: z.nullish(z.string()) })),
    ),
  }),
})

/** Writes the condition that was set last to the node, as soon as the server accepts it. Earlier ones are skipped. */
export class ConditionWriter {
  readonly #api: Api
  readonly #path: string
  readonly #say: (line: string) => void
  readonly #pace: typeof PACE
  #condition: Condition | null = null
  /** The status on the server, and since when; null before it was read. */
  #known: { readonly status: string | null; readonly since: string | null } | null = null
  #changed = false
  readonly #pause = new InterruptiblePause()

  constructor(api: Api, name: string, say: (line: string) => void, pace = PACE) {
    this.#api = api
    this.#path = `/api/v1/nodes/${encodeURIComponent(name)}/status`
    this.#say = say
    this.#pace = pace
  }

  get condition(): Condition | null {
    return this.#condition
  }

  set(condition: Condition): void {
    if (JSON.stringify(condition) === JSON.stringify(this.#condition)) return
    this.#condition = condition
    this.#changed = true
    this.#pause.end()
  }

  /** Writes the condition when it changes, and periodically, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    let trouble: string | null = null
    let tries = 0
    for (;;) {
      if (this.#condition === null) await this.#pause.wait(this.#pace.heartbeat, signal)
      if (signal.aborted) return
      if (this.#condition === null) continue
      let { pause } = this.#pace
      try {
        this.#changed = false
        await this.write(this.#condition, signal)
        if (trouble !== null) this.#say('kubernetes: the node condition can be written again')
        trouble = null
        tries = 0
      } catch (error) {
        if (signal.aborted) return
        const words = shortMessage(error)
        if (words !== trouble) this.#say(`kubernetes: the node condition cannot be written: ${words}`)
        trouble = words
        this.#changed = true
        pause = retryDelay(++tries, error)
      }
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
      if (!this.#changed) await this.#pause.wait(this.#pace.heartbeat - pause, signal)
    }
  }

  /** @throws ApiError, and errors of the network */
  async write(condition: Condition, signal: AbortSignal): Promise<void> {
    this.#known ??= await this.#read(signal)
    const now = `${new Date().toISOString().slice(0, 19)}Z`
    const since = this.#known.status === condition.status ? (this.#known.since ?? now) : now
    // Merged by its type with the other conditions (core/v1: patchMergeKey of conditions), which are not changed.
    const written = { type: CONDITION, ...condition, lastHeartbeatTime: now, lastTransitionTime: since }
    expectStatus(
      await this.#api.ask(
        {
          method: 'PATCH',
          patch: 'strategic-merge',
          path: this.#path,
          body: { status: { conditions: [written] } },
        },
        signal,
      ),
    )
    this.#known = { status: condition.status, since }
  }

  /** The status that a previous agent left: if it is the same, there is no transition. */
  async #read(signal: AbortSignal) {
    const { body } = expectStatus(await this.#api.ask({ method: 'GET', path: this.#path }, signal))
    const found = node.parse(body).status.conditions?.find(({ type }) => type === CONDITION)
    return { status: found?.status ?? null, since: found?.lastTransitionTime ?? null }
  }
}

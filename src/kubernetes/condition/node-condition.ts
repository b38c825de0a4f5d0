import { setTimeout as sleep } from 'node:timers/promises'

import * as z from 'zod/mini'

import type { Api } from '../api/client.ts'
import { pauseAfter } from '../api/pause.ts'
import { Rest } from '../api/rest.ts'
import { accept, inShort } from '../api/refusal.ts'
import type { Verdict } from './verdict.ts'
import { CONDITION } from './verdict.ts'

/**
 * Milliseconds: the interval at which a kubelet reports an unchanged status (kubelet: nodeStatusReportFrequency); and
 * the minimum between two writes for a flapping volume.
 */
const PACE = { heartbeat: 300_000, pause: 5_000 }

const node = z.object({
  status: z.object({
    conditions: z.optional(
      z.array(z.object({ type: z.string(), status: z.string(), lastTransitionTime: z.nullish(z.string()) })),
    ),
  }),
})

/** Keeps the node's condition as last set: only the latest is written, when the server accepts it. */
export class NodeCondition {
  readonly #api: Api
  readonly #path: string
  readonly #say: (line: string) => void
  readonly #pace: typeof PACE
  #verdict: Verdict | null = null
  /** What the server has, and since when; null before it was read. */
  #known: { readonly status: string | null; readonly since: string | null } | null = null
  #changed = false
  readonly #rest = new Rest()

  constructor(api: Api, name: string, say: (line: string) => void, pace = PACE) {
    this.#api = api
    this.#path = `/api/v1/nodes/${encodeURIComponent(name)}/status`
    this.#say = say
    this.#pace = pace
  }

  get verdict(): Verdict | null {
    return this.#verdict
  }

  set(verdict: Verdict): void {
    if (JSON.stringify(verdict) === JSON.stringify(this.#verdict)) return
    this.#verdict = verdict
    this.#changed = true
    this.#rest.wake()
  }

  /** Writes the condition, and periodically confirms it, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    let trouble: string | null = null
    let tries = 0
    for (;;) {
      if (this.#verdict === null) await this.#rest.within(this.#pace.heartbeat, signal)
      if (signal.aborted) return
      if (this.#verdict === null) continue
      let { pause } = this.#pace
      try {
        this.#changed = false
        await this.write(this.#verdict, signal)
        if (trouble !== null) this.#say('kubernetes: the node condition can be written again')
        trouble = null
        tries = 0
      } catch (error) {
        if (signal.aborted) return
        const words = inShort(error)
        if (words !== trouble) this.#say(`kubernetes: the node condition cannot be written: ${words}`)
        trouble = words
        this.#changed = true
        pause = pauseAfter(++tries, error)
      }
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
      if (!this.#changed) await this.#rest.within(this.#pace.heartbeat - pause, signal)
    }
  }

  /** @throws Refusal, and errors of the network */
  async write(verdict: Verdict, signal: AbortSignal): Promise<void> {
    this.#known ??= await this.#read(signal)
    const now = `${new Date().toISOString().slice(0, 19)}Z`
    const since = this.#known.status === verdict.status ? (this.#known.since ?? now) : now
    // Merged by its type with the other conditions (core/v1: patchMergeKey of conditions), which are not changed.
    const condition = { type: CONDITION, ...verdict, lastHeartbeatTime: now, lastTransitionTime: since }
    accept(
      await this.#api.ask(
        {
          method: 'PATCH',
          patch: 'strategic-merge',
          path: this.#path,
          body: { status: { conditions: [condition] } },
        },
        signal,
      ),
    )
    this.#known = { status: verdict.status, since }
  }

  /** If a previous agent left the same status, this is not a transition. */
  async #read(signal: AbortSignal) {
    const { body } = accept(await this.#api.ask({ method: 'GET', path: this.#path }, signal))
    const found = node.parse(body).status.conditions?.find(({ type }) => type === CONDITION)
    return { status: found?.status ?? null, since: found?.lastTransitionTime ?? null }
  }
}

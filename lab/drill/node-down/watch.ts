import type { LabNode, LabProcess } from '../../index.ts'
import { VOLUME } from '../kept.ts'
import { Lines } from '../lines.ts'
import { IQN, type SideName } from '../volumes.ts'

/** As the kernel reports it: FREE is a session whose recovery timer has expired. */
export type SessionState = 'LOGGED_IN' | 'FAILED' | 'FREE' | 'none'

/** A state, and when it began. */
export interface Since<T> {
  readonly at: number
  readonly state: T
}

interface Seen {
  readonly at: number
  readonly sessions: readonly { name: string; iqn: string; state: SessionState }[]
  readonly note: string | null
}

/** The states of both sides' sessions and of the hold, from the first observation. */
export class Watch {
  readonly sessions: Readonly<Record<SideName, Since<SessionState>[]>> = { stock: [], lunkeeper: [] }
  readonly holding: Since<boolean>[] = []
  /** which side a session in the kernel's log belongs to: `session3` */
  readonly sideOf = new Map<string, SideName>()
  readonly #lines: Lines<Seen>

  private constructor(process: LabProcess) {
    this.#lines = new Lines(process)
  }

  static async start(node: LabNode): Promise<Watch> {
    const process = await node.start(['node', '/lab/project/lab/drill/guest/watch.mjs', VOLUME])
    await process.output(/\n/)
    return new Watch(process)
  }

  listen(): void {
    for (const { at, sessions, note } of this.#lines.next()) {
      for (const side of ['stock', 'lunkeeper'] as const) {
        const own = sessions.filter(({ iqn }) => iqn === IQN[side])
        for (const { name } of own) this.sideOf.set(name, side)
        const states = own.map(({ state }) => state)
        // with two portals, one working session is enough
        change(this.sessions[side], at, states.find((state) => state === 'LOGGED_IN') ?? states[0] ?? 'none')
      }
      change(this.holding, at, note !== null)
    }
  }
}

function change<T>(states: Since<T>[], at: number, state: T): void {
  if (states.at(-1)?.state !== state) states.push({ at, state })
}

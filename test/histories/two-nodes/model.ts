import { Ledger } from '../ledger.ts'
import type { NodeName, Settings } from './history.ts'
import { NODES } from './history.ts'

export interface NodeModel {
  readonly name: NodeName
  /** `cut`: its network is silent. `paused`: it stands still, and knows nothing of the time that passes. */
  away: 'cut' | 'paused' | null
  hasAgent: boolean
  /** `unsure`: a command was killed or failed in the middle. */
  attached: 'no' | 'yes' | 'unsure'
  /** Writes that have not come back. */
  pending: number
}

/** One write of one block. */
export interface Write {
  readonly node: NodeName
  readonly block: number
  /** In which the node was the owner, or believed so. */
  readonly epoch: number
}

/** Who may write, as far as the history itself determines it. */
export class Model {
  readonly settings: Settings
  readonly ledger = new Ledger()
  readonly writes = new Map<number, Write>()
  readonly #nodes: Readonly<Record<NodeName, NodeModel>>
  sequence = 0
  /** The node whose attach was the last to succeed, unless it has detached since. */
  owner: NodeName | null = null
  /** Counts successful attaches: what was written in an earlier one must not arrive in a later one. */
  epoch = 0
  /** No other command was interrupted since: nobody else can have reserved the volume. */
  isCertain = true
  /** The target has the owner's registration: nothing has happened that makes it forget. */
  isRegistered = false
  targetUp = true
  portalUp = true
  /** When the target, or a way to it, was last changed; a node that was just joined counts, too. */
  changedAt = 0

  constructor(settings: Settings) {
    this.settings = settings
    const node = (name: NodeName): NodeModel => ({
      name,
      away: null,
      hasAgent: false,
      attached: 'no',
      pending: 0,
    })
    this.#nodes = { a: node('a'), b: node('b') }
  }

  node(name: NodeName): NodeModel {
    return this.#nodes[name]
  }

  get nodes(): readonly NodeModel[] {
    return NODES.map((name) => this.#nodes[name])
  }

  other(name: NodeName): NodeModel {
    return this.#nodes[name === 'a' ? 'b' : 'a']
  }

  /**
   * Nothing tells a node that it has lost the volume when the target has forgotten who had it: a raw device has no mark
   * (docs/ownership.md, "When the reservation is gone"). Histories do not do that while a former owner is there.
   */
  isForgettable(except?: NodeName): boolean {
    const { content, keeps } = this.settings
    if (content !== 'raw' || keeps) return true
    return this.nodes.every(
      ({ name, attached }) => name === except || name === this.owner || attached === 'no',
    )
  }

  canReach({ away }: NodeModel): boolean {
    return away === null && this.targetUp
  }
}

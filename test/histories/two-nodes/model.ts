import { Ledger } from '../ledger.ts'
import type { NodeName, Settings } from './history.ts'
import { NODES } from './history.ts'

export interface NodeModel {
  readonly name: NodeName
  /** `cut`: its network is silent. `paused`: it is stopped, and does not notice that time passes. */
  away: 'cut' | 'paused' | null
  hasAgent: boolean
  /** `unsure`: a command was killed, or failed halfway. */
  attached: 'no' | 'yes' | 'unsure'
  /** Its session holds its I/O, which resumes automatically when the session is back. */
  isSessionHeld: boolean
  /** Writes that have not completed. */
  pending: number
}

/** One write of one block. */
export interface Write {
  readonly node: NodeName
  readonly block: number
  /** The epoch in which the node was the owner, or believed that it was. */
  readonly epoch: number
}

/** Which node may write, as far as the history determines it. */
export class Model {
  readonly settings: Settings
  readonly ledger = new Ledger()
  readonly writes = new Map<number, Write>()
  readonly #nodes: Readonly<Record<NodeName, NodeModel>>
  sequence = 0
  /** The node whose attach was the last to succeed, unless it has detached since. */
  owner: NodeName | null = null
  /** Counts successful attaches: what was written in an earlier epoch must not arrive in a later one. */
  epoch = 0
  /** No other command was interrupted since: no other node can have reserved the volume. */
  isCertain = true
  /** The target has the owner's registration: nothing has happened that makes it forget it. */
  isRegistered = false
  /**
   * The target keeps registrations, and restores each when its node logs in, over what another node has reserved
   * meanwhile: the owner may find the volume lost. The node that logged in must not use it.
   */
  mayFlip = false
  targetUp = true
  portalUp = true

  constructor(settings: Settings) {
    this.settings = settings
    const node = (name: NodeName): NodeModel => ({
      name,
      away: null,
      hasAgent: false,
      attached: 'no',
      isSessionHeld: false,
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
   * Whether a former owner still learns that it has lost the volume after the target has forgotten the owner. It
   * does not if its session holds I/O, which is sent without a check, or if it is a raw device, which has no mark
   * (docs/ownership.md, "Known limitations"). A target that keeps registrations counts as well, if it applies them at
   * once: LIO does that for initiators with an entry of their own.
   */
  isForgettable(except?: NodeName): boolean {
    const { content } = this.settings
    return this.nodes.every(
      ({ name, attached, isSessionHeld }) =>
        name === except ||
        name === this.owner ||
        attached === 'no' ||
        (!isSessionHeld && (content !== 'raw' || this.#appliesAtOnce)),
    )
  }

  /**
   * Whether a former owner is stopped and does not know that it is one. If the owner gives the volume back, nothing
   * reserves it any more, and the former one's writes arrive when it continues (docs/ownership.md, "Known limitations").
   */
  get hasStopped(): boolean {
    return this.nodes.some(
      ({ name, attached, away }) => name !== this.owner && attached !== 'no' && away === 'paused',
    )
  }

  /**
   * Whether no former owner has pending writes on a connection that has lasted. If the target forgets its
   * reservations without closing connections, these writes arrive (docs/ownership.md, "Known limitations").
   */
  get isQuiet(): boolean {
    return this.nodes.every(
      ({ name, attached, away, pending }) =>
        name === this.owner || attached === 'no' || (away === null && pending === 0),
    )
  }

  /**
   * Whether the other node, if it has attached the volume before, learns that this one has it. It does not if it
   * gets an old reservation back, and sends its held I/O without a check, or has no mark to check.
   */
  isNoticed(by: NodeName): boolean {
    const { attached, isSessionHeld } = this.other(by)
    return !this.mayFlip || attached === 'no' || (!isSessionHeld && this.settings.content !== 'raw')
  }

  /**
   * Whether this node may have writes from a time when it had lost the volume, and no mark shows that. A person's
   * `--take-over` continues with them where the target has no reservation (docs/ownership.md, "Stale reservations").
   */
  hasOldData(name: NodeName): boolean {
    return this.settings.content === 'raw' && name !== this.owner && this.node(name).attached !== 'no'
  }

  get #appliesAtOnce(): boolean {
    return this.settings.keeps && this.settings.acls === 'explicit'
  }

  /** The target restarts: whether it has the owner's registration, and has it at once. */
  restart(): void {
    if (!this.settings.keeps) this.isRegistered = false
    else if (!this.#appliesAtOnce) {
      this.isRegistered = false
      this.mayFlip = true
    }
  }

  canReach({ away }: NodeModel): boolean {
    return away === null && this.targetUp
  }
}

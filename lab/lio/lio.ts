import type { Wire } from '../machine/wire.ts'
import { Target, type TargetOptions } from './target.ts'

/** The storage server in a machine's kernel. */
export class Lio {
  readonly #node: string
  readonly #wire: Wire
  #made = 0

  constructor(node: string, wire: Wire) {
    this.#node = node
    this.#wire = wire
  }

  /** Creates an enabled target, without LUNs. */
  async target(options: TargetOptions = {}): Promise<Target> {
    const iqn = options.iqn ?? `iqn.2026-01.dev.lunkeeper:${this.#node}.t${++this.#made}`
    const portals = options.portals ?? ['127.0.0.1:3260']
    const { chap, mutual, acls, writeProtect } = options
    await this.#wire.call('lio.make', { iqn, portals, chap, mutual, acls, writeProtect })
    return new Target(iqn, portals, this.#wire)
  }

  /** IQNs of all targets of this machine */
  targets(): Promise<string[]> {
    return this.#wire.call('lio.targets')
  }

  /** Removes all targets and backstores, and also their files unless they are to be kept. */
  clear({ keepFiles = false } = {}): Promise<void> {
    return this.#wire.call('lio.clear', { removeFiles: !keepFiles })
  }
}

import { expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import type { AttachmentState, DetachReport, VolumeStatus } from '../../src/model/attachment.ts'
import type { Agent } from './agent.ts'
import type { Ended } from './node.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'

/** For what the agent sees within seconds; generous, since the machine may be busy. */
export const SEEN_MS = 90_000

/** Flags of a volume whose I/O its session holds, with an agent or without. */
export const SESSION_HELD = ['--hold', '120s', '--hold-mode', 'session']

export interface VolumeOptions {
  /** @default 'db' */
  readonly name?: string
  /** @default 5 */
  readonly lun?: number
  /** @default ['127.0.0.1'] */
  readonly portals?: readonly string[]
  /** Mount point. @default `/mnt/<name>` */
  readonly mount?: string
}

/** A LUN as one node uses it through `lunkeeper`. The LUN itself belongs to the target. */
export class Volume {
  readonly node: LabNode
  readonly name: string
  readonly lun: number
  readonly mount: string
  readonly #portals: readonly string[]
  readonly #target: Pick<Target, 'iqn'>

  constructor(node: LabNode, target: Pick<Target, 'iqn'>, options: VolumeOptions = {}) {
    const { name = 'db', lun = 5, portals = ['127.0.0.1'], mount = `/mnt/${name}` } = options
    this.name = name
    this.lun = lun
    this.mount = mount
    this.#portals = portals
    this.node = node
    this.#target = target
  }

  /** Another one: of the same node and target, where nothing else is given. Its mount point follows its name. */
  with(options: VolumeOptions, { node = this.node, target = this.#target } = {}): Volume {
    const { name = this.name, lun = this.lun, portals = this.#portals } = options
    const mount = options.mount ?? (options.name === undefined ? this.mount : `/mnt/${name}`)
    return new Volume(node, target, { name, lun, portals, mount })
  }

  get iqn(): string {
    return this.#target.iqn
  }

  /** The flags that say where it is: portals, target and LUN. */
  get source(): string[] {
    const portals = this.#portals.flatMap((portal) => ['--portal', portal])
    return [...portals, '--iqn', this.iqn, '--lun', String(this.lun)]
  }

  /** The flags that say where it is and what it is called. */
  get flags(): string[] {
    return [...this.source, '--name', this.name]
  }

  /** As a raw device, unless `more` says otherwise. */
  attach(...more: string[]): Promise<VolumeStatus> {
    return lunkeeper(this.node).attach([...this.flags, ...more])
  }

  /** Blank, with a file system that is made now. */
  mounted(...more: string[]): Promise<VolumeStatus> {
    return this.attach('--mount', this.mount, '--format', ...more)
  }

  /** With the file system that it has. */
  again(...more: string[]): Promise<VolumeStatus> {
    return this.attach('--mount', this.mount, ...more)
  }

  /** `attach` fails with this code. */
  refused(code: string, ...more: string[]): Promise<Ended> {
    return lunkeeper(this.node).fails(['attach', ...this.flags, ...more], code)
  }

  /** As `lunkeeper volumes` has it. */
  async status(): Promise<VolumeStatus> {
    const all = await lunkeeper(this.node).volumes()
    const found = all.find(({ name }) => name === this.name)
    return found ?? expect.unreachable(`no volume ${this.name} among ${JSON.stringify(all)}`)
  }

  /** Waits until `lunkeeper volumes` says that it is in this state. @param deadline milliseconds */
  state(wanted: AttachmentState, deadline = SEEN_MS): Promise<VolumeStatus> {
    return this.node.until(
      async () => {
        const all = await lunkeeper(this.node).volumes()
        return all.find(({ name, state }) => name === this.name && state === wanted)
      },
      { deadline, what: `${this.name} ${wanted} on ${this.node.name}` },
    )
  }

  detach(...more: string[]): Promise<DetachReport> {
    return lunkeeper(this.node).detach(this.name, ...more)
  }
}

/** A volume is detached, and nothing is left on its node then. @param agent ended first, where one runs */
export async function expectCleanDetach(volume: Volume, agent?: Agent): Promise<void> {
  expect((await volume.detach()).left).toEqual([])
  await agent?.stop()
  await expectNothingLeft(volume.node)
}

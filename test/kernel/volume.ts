import { expect } from 'vitest'

import type { LabNode, Target } from '../../lab/index.ts'
import type { AttachmentState, DetachReport, VolumeStatus } from '../../src/model/attachment.ts'
import type { Agent } from './agent.ts'
import type { Ended } from './node.ts'
import { expectNothingLeft, lunkeeper } from './node.ts'

/** For what the agent notices within seconds; generous, because the machine may be busy. */
export const SEEN_MS = 90_000

/** Flags for a volume whose session holds its I/O, with or without an agent. */
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

  /** Another volume, on the same node and target by default. Its mount point follows its name. */
  with(options: VolumeOptions, { node = this.node, target = this.#target } = {}): Volume {
    const { name = this.name, lun = this.lun, portals = this.#portals } = options
    const mount = options.mount ?? (options.name === undefined ? this.mount : `/mnt/${name}`)
    return new Volume(node, target, { name, lun, portals, mount })
  }

  get iqn(): string {
    return this.#target.iqn
  }

  /** The flags for its location: portals, target and LUN. */
  get source(): string[] {
    const portals = this.#portals.flatMap((portal) => ['--portal', portal])
    return [...portals, '--iqn', this.iqn, '--lun', String(this.lun)]
  }

  /** The flags for its location and its name. */
  get flags(): string[] {
    return [...this.source, '--name', this.name]
  }

  /** Attaches it as a raw device, unless `more` says otherwise. */
  attach(...more: string[]): Promise<VolumeStatus> {
    return lunkeeper(this.node).attach([...this.flags, ...more])
  }

  /** Attaches a blank volume with a new file system. */
  mounted(...more: string[]): Promise<VolumeStatus> {
    return this.attach('--mount', this.mount, '--format', ...more)
  }

  /** Attaches it with its existing file system. */
  again(...more: string[]): Promise<VolumeStatus> {
    return this.attach('--mount', this.mount, ...more)
  }

  /** `attach` fails with this code. */
  refused(code: string, ...more: string[]): Promise<Ended> {
    return lunkeeper(this.node).fails(['attach', ...this.flags, ...more], code)
  }

  /** Its status as `lunkeeper volumes` shows it. */
  async status(): Promise<VolumeStatus> {
    const all = await lunkeeper(this.node).volumes()
    const found = all.find(({ name }) => name === this.name)
    return found ?? expect.unreachable(`no volume ${this.name} among ${JSON.stringify(all)}`)
  }

  /** Waits until `lunkeeper volumes` shows it in this state. @param deadline milliseconds */
  state(wanted: AttachmentState, deadline = SEEN_MS): Promise<VolumeStatus> {
    return this.node.until(
      async () => {
        const all = await lunkeeper(this.node).volumes()
        return all.find(({ name, state }) => name === this.name && state === wanted)
      },
      { deadline, what: `${this.name} ${wanted} on ${this.node.name}` },
    )
  }

  /** Waits until the agent has logged out the lost sessions of its node. @param left sessions that stay */
  loggedOut(left = 0, deadline = SEEN_MS): Promise<unknown> {
    return this.node.until(async () => (await lunkeeper(this.node).sessions()).length === left, {
      deadline,
      what: `all but ${left} sessions logged out`,
    })
  }

  detach(...more: string[]): Promise<DetachReport> {
    return lunkeeper(this.node).detach(this.name, ...more)
  }
}

/** Detaches a volume, after which nothing must be left on its node. @param agent stopped first, if one is running */
export async function expectCleanDetach(volume: Volume, agent?: Agent): Promise<void> {
  expect((await volume.detach()).left).toEqual([])
  await agent?.stop()
  await expectNothingLeft(volume.node)
}

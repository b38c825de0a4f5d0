import { afterAll, afterEach, beforeAll, test } from 'vitest'

import type { BootOptions, Debian, LabNode, LunOptions, Target, TargetOptions } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { Launch } from './agent.ts'
import { Agent } from './agent.ts'
import type { Engine } from './engine.ts'
import { startEngine } from './engine.ts'
import type { VolumeOptions } from './volume.ts'
import { Volume } from './volume.ts'

/*
 * Why hooks and fixtures: a machine takes seconds to boot, so the tests of a `describe` block share one, and most
 * files have a block for each kernel (`describe.each(kernels(…))`). Vitest has no fixture of a block: the scopes
 * are test, file and worker. A fixture of the file cannot be overridden in a block, and it is torn down only after
 * the last block, when the machines of two kernels would have needed memory at the same time. So hooks of the block
 * boot the machine, reset it and close its lab, and fixtures of the test provide what is on it, created when the
 * first test asks for it.
 */

/** A machine for the tests of a `describe` block, and what they find on it. */
export interface NodeSetup extends BootOptions {
  /** Called once, after the boot. */
  readonly prepare?: (node: LabNode) => Promise<unknown>
  /**
   * What happens after each test. `reset`: the machine is as after its boot, and has no LUN. `clear`: its LUNs are
   * removed, and its programs keep running. `keep`: nothing, so that all tests share target and agent.
   * @default 'reset'
   */
  readonly after?: 'reset' | 'clear' | 'keep'
  /** Run an agent in each test, even if the test does not use the fixture. @default false */
  readonly agent?: boolean
  /** How an agent is started there. @default `lunkeeper agent` */
  readonly launch?: Launch
  /** Options of the fixture `target`. @default one portal, 127.0.0.1:3260 */
  readonly target?: TargetOptions
  /** LUNs of the fixture `target`. @default none */
  readonly luns?: readonly ({ readonly lun: number } & LunOptions)[]
  /** The fixture `volume`. @default LUN 5 as `db`, for /mnt/db */
  readonly volume?: VolumeOptions
}

/** The fixtures of `onNode`, also for hooks: `beforeEach<NodeFixtures>(({ node }) => …)`. */
export interface NodeFixtures {
  readonly lab: Lab
  readonly node: LabNode
  readonly target: Target
  readonly agent: Agent
  readonly engine: Engine
  readonly volume: Volume
}

/** A lab for the tests of a `describe` block, closed after the last one. @param prepare boots what they need */
export function openLab(prepare: (lab: Lab) => Promise<void>): void {
  let lab: Lab | undefined
  beforeAll(async () => {
    lab = await Lab.open()
    await prepare(lab)
  })
  afterAll(() => lab?.close())
}

/** Something that a test asks for: created once, for all tests until the next `forget`. */
class Once<T> {
  readonly #make: () => Promise<T>
  #made: Promise<T> | undefined

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  readonly get = (): Promise<T> => (this.#made ??= this.#make())

  forget(): void {
    this.#made = undefined
  }
}

/**
 * Boots a machine for the tests of the `describe` block in which it is called. @returns the block's `it`, with the
 * fixtures of `NodeFixtures`
 */
export function onNode(setup: NodeSetup = {}) {
  const { prepare, after = 'reset', agent: needsAgent = false, launch, luns = [], ...more } = setup
  const { target: options, volume, ...boot } = more
  let lab: Lab
  let node: LabNode
  const target = new Once(async (): Promise<Target> => {
    const made = await node.lio.target(options)
    if (luns.length > 0) await made.mapMany(luns)
    return made
  })
  const agent = new Once(() => Agent.start(node, launch))
  const engine = new Once((): Promise<Engine> => startEngine(node))

  openLab(async (opened) => {
    lab = opened
    node = await lab.boot(boot)
    await prepare?.(node)
  })
  afterEach(async () => {
    if (after === 'keep') return
    target.forget()
    if (after === 'clear') await node.lio.clear()
    else {
      // The reset ends all programs.
      agent.forget()
      engine.forget()
      await node.reset()
    }
    await node.remove('/dev/shm/luns')
  })

  return test
    .extend('lab', () => lab)
    .extend('node', () => node)
    .extend('target', target.get)
    .extend('agent', { auto: needsAgent }, agent.get)
    .extend('engine', engine.get)
    .extend('volume', ({ node, target }) => new Volume(node, target, volume))
}

const ADDRESS = { array: '10.9.0.1', a: '10.9.0.2', b: '10.9.0.3' }

/** The fixtures of `onTwoNodes`. */
export interface TwoNodesFixtures {
  readonly lab: Lab
  readonly array: LabNode
  readonly a: LabNode
  readonly b: LabNode
  /** The target of the array. */
  readonly target: Target
  /** LUN 5 as `a` uses it. */
  readonly onA: Volume
  readonly onB: Volume
}

/** An array and two nodes for the tests of a `describe` block. */
export interface TwoNodesSetup {
  readonly debian: Debian
  readonly a?: BootOptions
  readonly b?: BootOptions
  /** As in `NodeSetup`. @default 'reset' */
  readonly after?: 'reset' | 'keep'
  /** LUNs of the fixture `target`. */
  readonly luns: NonNullable<NodeSetup['luns']>
}

/**
 * Boots an array and two nodes on one network for the tests of the `describe` block in which it is called. @returns
 * the block's `it`, with the fixtures of `TwoNodesFixtures`
 */
export function onTwoNodes({ debian, after = 'reset', luns, ...more }: TwoNodesSetup) {
  let lab: Lab
  let array: LabNode
  let a: LabNode
  let b: LabNode
  const target = new Once(async (): Promise<Target> => {
    const made = await array.lio.target({ portals: [`${ADDRESS.array}:3260`] })
    await made.mapMany(luns)
    return made
  })

  openLab(async (opened) => {
    lab = opened
    array = await lab.boot({ name: 'array', address: ADDRESS.array, debian, iscsid: false })
    a = await lab.boot({ name: 'a', address: ADDRESS.a, debian, ...more.a })
    b = await lab.boot({ name: 'b', address: ADDRESS.b, debian, ...more.b })
  })
  afterEach(async () => {
    if (after === 'keep') return
    target.forget()
    await Promise.all([a.reset(), b.reset()])
    await array.reset()
  })

  const portals = [ADDRESS.array]
  return test
    .extend('lab', () => lab)
    .extend('array', () => array)
    .extend('a', () => a)
    .extend('b', () => b)
    .extend('target', target.get)
    .extend('onA', ({ a, target }) => new Volume(a, target, { portals }))
    .extend('onB', ({ b, target }) => new Volume(b, target, { portals }))
}

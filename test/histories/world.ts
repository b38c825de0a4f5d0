import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Debian, LabNode, LabProcess, Target } from '../../lab/index.ts'
import { Lab } from '../../lab/index.ts'
import type { VolumeStatus } from '../../src/model/attachment.ts'
import { buildProgram } from './build.ts'
import type { Model, Place, TargetModel, Topology, VolumeModel } from './model.ts'
import { modelOf, TOPOLOGY } from './model.ts'
import type { MutationName } from './mutations.ts'
import type { Answer } from './servant.ts'
import { Late, Servant } from './servant.ts'
import { Violation } from './violation.ts'

/** Where the targets' files are: on a separate file system, so that it can be full. */
const STORE = '/dev/shm/luns'
const STORE_BYTES = 160 << 20
/** Longer than any command may take: several logins to a target that does not answer, on a busy machine. */
export const COMMAND_DEADLINE_MS = 240_000
const QUICK_MS = 120_000
/** systemd's StartLimitBurst. */
const AGENT_STARTS = 5

/** A machine that is used for several histories, one after the other. */
export interface Machine {
  readonly lab: Lab
  readonly world: World
}

export async function bootMachine(
  debian: Debian,
  cpu: number | undefined,
  mutations: readonly MutationName[],
): Promise<Machine> {
  const lab = await Lab.open()
  try {
    const project = join(lab.dir, 'project')
    await mkdir(project)
    await buildProgram(project, mutations)
    const node = await lab.boot({ debian, memory: 900, project, ...(cpu === undefined ? {} : { cpu }) })
    await node.sh(`mkdir -p ${STORE} && mount -t tmpfs -o size=${STORE_BYTES} luns ${STORE}`)
    return { lab, world: await World.open(node, TOPOLOGY) }
  } catch (error) {
    await lab.close()
    throw error
  }
}

const GUEST = '/lab/project/test/histories/guest'

const iqnOf = (name: string) => `iqn.2026-01.dev.lunkeeper:${name}`

/** The real counterpart of the model: targets, the program under test, and the programs that write and look. */
export class World {
  readonly node: LabNode
  readonly #topology: Topology
  model: Model
  readonly #targets = new Map<string, Target>()
  #agent: LabProcess | null = null
  #engine!: Servant
  #observer!: Servant
  /** What agents and commands have logged, oldest first. */
  said: { readonly at: number; readonly line: string }[] = []
  #heard = 0

  private constructor(node: LabNode, topology: Topology) {
    this.node = node
    this.#topology = topology
    this.model = modelOf(topology, iqnOf)
  }

  static async open(node: LabNode, topology: Topology): Promise<World> {
    const world = new World(node, topology)
    for (const { name, iqn, portals } of world.model.targets.values())
      world.#targets.set(name, await node.lio.target({ iqn, portals }))
    world.#observer = await Servant.start(node, ['node', `${GUEST}/observer.mjs`], {
      UV_THREADPOOL_SIZE: '64',
    })
    world.#engine = await Servant.start(node, ['node', '/lab/project/dist/engine.js'])
    return world
  }

  /** Restores the state at the start of a history, after one that left nothing. */
  async renew(): Promise<void> {
    for (const volume of this.model.volumes.values()) await this.hide(volume, false)
    const agents = this.model.agentSince
    this.model = modelOf(this.#topology, iqnOf, this.model.pace)
    if (agents !== null) this.model.agents.push({ from: agents, to: Number.POSITIVE_INFINITY })
    this.said = []
    for (const volume of this.model.volumes.values()) {
      await this.paint(volume)
      if (volume.home) await this.show(volume, volume.home)
    }
    await this.node.sh(`date -s @${Math.floor(Date.now() / 1000)} > /dev/null`)
    await this.startAgent()
  }

  file(volume: VolumeModel): string {
    return `${STORE}/${volume.name}`
  }

  target(name: string): Target {
    return this.#targets.get(name)!
  }

  /** Makes a volume new: none of its bytes comes from a write of the history. */
  async paint(volume: VolumeModel, from = 0): Promise<void> {
    const { name, kind, bytes } = volume
    await this.#observer.get(QUICK_MS, 'paint', {
      volume: name,
      file: this.file(volume),
      kind,
      from,
      to: bytes,
    })
    if (from > 0) return
    volume.ledger.clear()
    volume.tainted = false
  }

  /** Maps a volume at a LUN. */
  async show(volume: VolumeModel, place: Place): Promise<void> {
    const { name, serial, bytes } = volume
    await this.target(place.target).map(place.lun, { name, serial, bytes, dir: STORE })
    volume.at = place
  }

  /** @param keep its backstore, for another place */
  async hide(volume: VolumeModel, keep = true): Promise<void> {
    if (!volume.at) return
    await this.target(volume.at.target).unmap(volume.at.lun, { keep })
    volume.at = null
  }

  /** Makes a volume larger on its target. */
  async grow(volume: VolumeModel, bytes: number): Promise<void> {
    const from = volume.bytes
    volume.bytes = bytes
    await this.paint(volume, from)
    await this.target(volume.at!.target).resize(volume.at!.lun, bytes)
  }

  /** Restarts the target's machine: everything is created again, with the same names. */
  async restart({ name, iqn, portals, portalsDown }: TargetModel): Promise<void> {
    const { model } = this
    const here = [...model.volumes.values()].filter(({ at }) => at?.target === name)
    await this.target(name).remove()
    const up = portals.filter((_, index) => !portalsDown.has(index))
    const target = await this.node.lio.target({ iqn, portals: up })
    this.#targets.set(name, target)
    await target.disable()
    for (const volume of here) await this.show(volume, volume.at!)
  }

  /** Fills the file system of the targets' files, so that not a single byte more fits. */
  async setStoreFull(isFull: boolean): Promise<void> {
    await this.#resizeTmpfs(STORE, isFull, `${STORE_BYTES}`)
    this.model.storeFull = isFull
  }

  async setRunFull(isFull: boolean): Promise<void> {
    await this.#resizeTmpfs('/run', isFull, '50%')
    this.model.runFull = isFull
  }

  async #resizeTmpfs(at: string, isFull: boolean, usually: string): Promise<void> {
    const size = isFull ? `$(df --output=used -k ${at} | tail -1 | tr -d ' ')k` : usually
    // The used space may have grown since it was read.
    await this.node.sh(
      `for try in 1 2 3 4 5; do mount -o remount,size=${size} ${at} && exit 0; sleep 0.1; done; exit 1`,
    )
  }

  async startIscsid(): Promise<void> {
    if (this.model.iscsid) return
    await this.node.sh('iscsid')
    this.model.iscsid = true
    for (const target of this.model.targets.values()) target.changedAt = performance.now()
  }

  /** After LUNs were changed: determines which volume may now write to which without knowing it. */
  watchStrangers(): void {
    const now = performance.now()
    const { model } = this
    this.closeWindows()
    for (const writer of model.attached) {
      const shown = writer.uses && model.shownAt(writer.uses)
      if (!writer.uses || !shown || shown === writer) continue
      if (model.isLossSeen(writer, model.target(writer.uses.target), now)) continue
      model.windows.open(writer.name, shown.name, now)
      // What the file system itself writes carries no stamp, so it cannot be seen whether it went astray.
      if (writer.kind === 'ext4') writer.tainted = true
      if (writer.kind === 'ext4' && shown.kind === 'ext4') shown.tainted = true
    }
  }

  /**
   * Closes the windows of volumes that no longer reach a stranger: the volume is back, was followed to another LUN,
   * or was detached.
   */
  closeWindows(): void {
    const { model } = this
    for (const { name, attached, uses } of model.own) {
      const shown = attached === 'no' || !uses ? null : model.shownAt(uses)
      model.windows.close(name, performance.now(), shown?.name ?? null)
    }
  }

  async startAgent(): Promise<void> {
    if (this.#agent) return
    // Like systemd: restart it when it ends.
    for (let starts = 1; ; starts++) {
      const agent = await this.node.start([
        'lunkeeper',
        'agent',
        '--csi-endpoint',
        'unix:///run/csi.sock',
        '--csi-node',
        'node',
      ])
      this.#agent = agent
      this.#heard = 0
      const isReady = await agent.errors(/csi: .* as node/, COMMAND_DEADLINE_MS).then(
        () => true,
        () => false,
      )
      if (isReady) break
      this.listen()
      if (starts === AGENT_STARTS) throw new Violation('agent-died', null, agent.stderr)
    }
    this.model.agents.push({ from: performance.now(), to: Number.POSITIVE_INFINITY })
  }

  async endAgent(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const agent = this.#agent
    if (!agent) return
    this.model.agents.at(-1)!.to = performance.now()
    await agent.kill(signal)
    await this.#inTime(agent.exited, 'the end of the agent')
    this.listen()
    this.#agent = null
  }

  /** Collects what the agent has logged since, and checks whether it is still running. */
  listen(): void {
    const agent = this.#agent
    if (!agent) return
    const whole = agent.stderr.lastIndexOf('\n') + 1
    for (const line of agent.stderr.slice(this.#heard, whole).split('\n').filter(Boolean))
      this.said.push({ at: performance.now(), line: `agent: ${line}` })
    this.#heard = whole
  }

  async agentEnded(): Promise<boolean> {
    const agent = this.#agent
    if (!agent) return false
    return Promise.race([
      agent.exited.then(
        () => true,
        () => true,
      ),
      new Promise<false>((resolve) => setImmediate(resolve, false)),
    ])
  }

  /** What was logged about a volume since then. */
  saidOf(volume: string, since: number): string[] {
    this.listen()
    return this.said.filter(({ at, line }) => at >= since && line.includes(volume)).map(({ line }) => line)
  }

  async volumes(): Promise<VolumeStatus[]> {
    const started = performance.now()
    for (;;) {
      const answer = await this.#engine
        .within<{ volumes: VolumeStatus[] }>(QUICK_MS, 'volumes')
        .catch(asViolation)
      this.model.pace.note(performance.now() - started)
      if ('value' in answer) return answer.value.volumes
      // A program that is late on a busy machine may still end, but not this late.
      if (performance.now() - started > COMMAND_DEADLINE_MS)
        throw new Violation('hang', null, `volumes: ${answer.error.code}: ${answer.error.message}`)
    }
  }

  /** A library call. */
  engine<T>(what: string, args: object): Promise<Answer<T>> {
    return this.#engine.within<T>(COMMAND_DEADLINE_MS, what, args).catch(asViolation)
  }

  /** Runs the program as a user does. @returns its error's code; null for success; 'KILLED' */
  async command(
    args: readonly string[],
    env: Record<string, string> = {},
    killAfterMs?: number,
  ): Promise<string | null> {
    const started = await this.node.start(['lunkeeper', ...args, '--json'], { env })
    const timer =
      killAfterMs === undefined
        ? undefined
        : setTimeout(() => void started.kill('SIGKILL', { alone: true }).catch(() => {}), killAfterMs)
    try {
      const { code, signal } = await this.#inTime(started.exited, `lunkeeper ${args.join(' ')}`)
      for (const line of started.stderr.split('\n').filter(Boolean))
        this.said.push({ at: performance.now(), line: `${args.slice(0, 2).join(' ')}: ${line}` })
      if (signal !== null) return 'KILLED'
      return code === 0 ? null : (/^error\[(\w+)\]/m.exec(started.stderr)?.[1] ?? `EXIT_${code}`)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Settles when the write has completed, however long that takes. */
  write(args: object): Promise<Answer<'synced' | 'written'>> {
    return this.#observer.ask('write', args)
  }

  read(args: object): Promise<Answer<Stamps>> {
    return this.#observer.ask('read', args)
  }

  scan(): Promise<readonly Change[]> {
    return this.#observer.get(QUICK_MS, 'scan')
  }

  inspect(args: { volume: string; path: string; clean: boolean }): Promise<Inspection | null> {
    return this.#observer.get(COMMAND_DEADLINE_MS, 'inspect', args)
  }

  disks(): Promise<readonly SeenDisk[]> {
    return this.#observer.get(QUICK_MS, 'disks')
  }

  async #inTime<T>(work: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Violation('hang', null, `${what} did not end within ${COMMAND_DEADLINE_MS} ms`)),
        COMMAND_DEADLINE_MS,
      )
    })
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }
}

const asViolation = (error: unknown): never => {
  if (error instanceof Late) throw new Violation('hang', null, error.message)
  throw error
}

/** For each kind of sector in a block: volume, sequence, block; null for a sector without a stamp. */
export type Stamps = readonly (readonly [string, number, number] | null)[]

export interface Change {
  readonly volume: string
  /** How many blocks have changed. */
  readonly count: number
  /** For a file system, only those with another volume's stamp. */
  readonly blocks: readonly (readonly [number, Stamps])[]
}

export interface Inspection {
  readonly check: { readonly code: number | string; readonly output: string }
  readonly dump: string
  readonly blocks: readonly (readonly [number, Stamps])[]
}

export interface SeenDisk {
  readonly hctl: string
  readonly session: string
  readonly iqn: string
  readonly state: string
  readonly lun: number
  readonly name: string | null
}

import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Debian, LabNode, LabProcess, Target } from '../../../lab/index.ts'
import { Lab } from '../../../lab/index.ts'
import { patient } from '../../../lab/machine/pace.ts'
import type { VolumeStatus } from '../../../src/model/attachment.ts'
import { buildProgram } from '../build.ts'
import { BLOCK, readBlock, readStamp, SECTOR, stamp } from '../guest/stamp.mjs'
import type { MutationName } from '../mutations.ts'
import type { Answer } from '../servant.ts'
import { Servant } from '../servant.ts'
import { Violation } from '../violation.ts'
import type { Stamps } from '../world.ts'
import type { NodeName, Settings } from './history.ts'
import { NODES } from './history.ts'

export const VOLUME = 'db'
export const MOUNT = '/mnt/db'
const LUN = 5
const SERIAL = 'a11a0005'
const BYTES = { raw: 4 << 20, ext4: 16 << 20 }
const ADDRESS = { array: ['10.9.0.1', '10.9.0.11'], a: '10.9.0.2', b: '10.9.0.3' }
const IQN = 'iqn.2026-01.dev.lunkeeper:array'
const INITIATOR = 'iqn.2026-01.dev.lunkeeper:'
const GUEST = '/lab/project/test/histories/guest'
/** What is on a machine's own disk. */
const DISK = '/var/lib/lunkeeper /etc/iscsi /etc/machine-id'
const MEMORY_MB = 512
/** Longer than any command may take: several logins to a target that does not answer, on a busy machine. */
const COMMAND_DEADLINE_MS = 300_000

/** How a command ended: null for success, 'KILLED', or the code of its error. */
export type Outcome = string | null

/** A node between two power losses. */
interface Machine {
  readonly node: LabNode
  /** Writes and reads blocks. */
  readonly pen: Servant
  /** Lunkeeper as a library, for questions. Commands that may be killed are separate programs. */
  readonly engine: Servant
  agent: LabProcess | null
  heard: number
}

export interface WorldOptions {
  readonly debian: Debian
  readonly cpu: number | undefined
  readonly mutations: readonly MutationName[]
  readonly settings: Settings
}

/** An array and two nodes on real kernels. The array's files are on the host, so that they outlive its machine. */
export class World {
  readonly settings: Settings
  readonly #lab: Lab
  readonly #options: WorldOptions
  readonly #project: string
  #array!: LabNode
  #target!: Target
  #arrays = 0
  readonly #machines = new Map<NodeName, Machine>()
  /** The contents of the volume's file at the last look: by block, the contents of its sectors. */
  #bytes = Buffer.alloc(0)
  /** What agents and commands have logged, oldest first. */
  readonly said: string[] = []

  private constructor(lab: Lab, project: string, options: WorldOptions) {
    this.#lab = lab
    this.#project = project
    this.#options = options
    this.settings = options.settings
  }

  static async open(options: WorldOptions): Promise<World> {
    const lab = await Lab.open()
    try {
      const project = join(lab.dir, 'project')
      await mkdir(project)
      await buildProgram(project, options.mutations)
      const world = new World(lab, project, options)
      await world.#prepare()
      return world
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  async #prepare(): Promise<void> {
    const { content, keeps } = this.settings
    await mkdir(join(this.#lab.share, keeps ? 'target/pr' : 'target'), { recursive: true })
    this.#paint(BYTES[content], content)
    await this.#bootArray()
    if (content === 'ext4') {
      await this.#array.sh(`mkfs.ext4 -q -b 4096 /lab/share/${VOLUME} && sync`)
      this.changes()
    }
    for (const name of NODES) await this.boot(name, false)
  }

  close(): Promise<void> {
    return this.#lab.close()
  }

  // Nodes

  machine(name: NodeName): Machine {
    return this.#machines.get(name)!
  }

  /** @param isAgain with what its previous boot left on its disk */
  async boot(name: NodeName, isAgain: boolean): Promise<void> {
    const { debian, cpu } = this.#options
    const node = await this.#lab.boot({
      name,
      debian,
      memory: MEMORY_MB,
      project: this.#project,
      address: ADDRESS[name],
      ...(cpu === undefined ? {} : { cpu }),
      ...(isAgain ? { restore: `${name}.tar` } : {}),
    })
    if (!isAgain) await node.write('/etc/machine-id', `${name.charCodeAt(0).toString(16).repeat(16)}\n`)
    const [pen, engine] = await Promise.all([
      Servant.start(node, ['node', `${GUEST}/observer.mjs`], { UV_THREADPOOL_SIZE: '64' }),
      Servant.start(node, ['node', '/lab/project/dist/engine.js']),
    ])
    this.#machines.set(name, { node, pen, engine, agent: null, heard: 0 })
  }

  async losePower(name: NodeName): Promise<void> {
    const { node } = this.machine(name)
    await node.sh(`tar -cf /lab/share/${name}.tar $(ls -d ${DISK} 2>/dev/null)`)
    this.listen()
    await node.kill()
  }

  async startAgent(name: NodeName): Promise<void> {
    const machine = this.machine(name)
    machine.agent = await machine.node.start(['lunkeeper', 'agent'])
    machine.heard = 0
    await machine.agent.errors(/ready/, COMMAND_DEADLINE_MS)
  }

  async killAgent(name: NodeName): Promise<void> {
    const { agent } = this.machine(name)
    await agent!.kill('SIGKILL')
    await agent!.exited.catch(() => {})
    this.listen()
    this.machine(name).agent = null
  }

  async stopAgent(name: NodeName): Promise<void> {
    const { agent } = this.machine(name)
    await agent?.kill('SIGTERM')
    await agent?.exited
    this.listen()
    this.machine(name).agent = null
  }

  /** Collects what the agents have logged since. */
  listen(): void {
    for (const [name, machine] of this.#machines) {
      const { agent, heard } = machine
      if (!agent) continue
      const whole = agent.stderr.lastIndexOf('\n') + 1
      for (const line of agent.stderr.slice(heard, whole).split('\n').filter(Boolean))
        this.said.push(`${name}: agent: ${line}`)
      machine.heard = whole
    }
  }

  // Commands

  attach(name: NodeName, takeOver: boolean, diesAfterMs?: number): Promise<Outcome> {
    const { content, portals } = this.settings
    const addresses = ADDRESS.array.slice(0, portals).flatMap((address) => ['--portal', address])
    const what = content === 'raw' ? [] : ['--mount', MOUNT, '--fs', content]
    return this.#command(
      name,
      [
        'attach',
        ...addresses,
        '--iqn',
        IQN,
        '--lun',
        String(LUN),
        '--name',
        VOLUME,
        '--hold',
        'forever',
        ...what,
        ...(takeOver ? ['--take-over'] : []),
      ],
      diesAfterMs,
    )
  }

  detach(name: NodeName, force: boolean, diesAfterMs?: number): Promise<Outcome> {
    return this.#command(name, ['detach', VOLUME, ...(force ? ['--force'] : [])], diesAfterMs)
  }

  /** As `lunkeeper volumes` shows it; null if there is no record. */
  async status(name: NodeName): Promise<VolumeStatus | null> {
    const asked = this.machine(name).engine.ask<{ volumes: VolumeStatus[] }>('volumes')
    const answer = await inTime(asked, `${name}: volumes`)
    if ('error' in answer) throw new Violation('hang', name, `volumes: ${answer.error.message}`)
    return answer.value.volumes.find((one) => one.name === VOLUME) ?? null
  }

  async logout(name: NodeName): Promise<void> {
    await this.machine(name).node.run(['iscsiadm', '-m', 'node', '-T', IQN, '-u'])
  }

  async #command(name: NodeName, args: readonly string[], diesAfterMs?: number): Promise<Outcome> {
    const started = await this.machine(name).node.start(['lunkeeper', ...args, '--json'])
    const kill = () => void started.kill('SIGKILL', { alone: true }).catch(() => {})
    const timer = diesAfterMs === undefined ? undefined : setTimeout(kill, diesAfterMs)
    try {
      const { code, signal } = await inTime(started.exited, `${name}: lunkeeper ${args.join(' ')}`)
      for (const line of started.stderr.split('\n').filter(Boolean))
        this.said.push(`${name}: ${args[0]}: ${line}`)
      if (signal !== null) return 'KILLED'
      return code === 0 ? null : (/^error\[(\w+)\]/m.exec(started.stderr)?.[1] ?? `EXIT_${code}`)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Settles when the write has completed, however long that takes. */
  write(name: NodeName, args: object): Promise<Answer<'synced' | 'written'>> {
    return this.machine(name).pen.ask('write', { ...args, volume: VOLUME })
  }

  read(name: NodeName, args: object): Promise<Answer<Stamps>> {
    return this.machine(name).pen.ask('read', args)
  }

  // Target

  get target(): Target {
    return this.#target
  }

  async #bootArray(): Promise<void> {
    const { debian, cpu } = this.#options
    this.#array = await this.#lab.boot({
      name: `array${++this.#arrays}`,
      debian,
      iscsid: false,
      address: ADDRESS.array,
      project: this.#project,
      ...(cpu === undefined ? {} : { cpu }),
    })
    // Where LIO keeps registrations, if the directory pr exists (drivers/target/target_core_configfs.c: db_root).
    await this.#array.sh('mkdir -p /etc/target && mount --bind /lab/share/target /etc/target')
    await this.makeTarget()
  }

  /** @param isUp whether to enable the target; its LUN is mapped first, so that no node finds the target without it */
  async makeTarget(isUp = true): Promise<void> {
    const { portals, acls } = this.settings
    this.#target = await this.#array.lio.target({
      iqn: IQN,
      portals: ADDRESS.array.slice(0, portals).map((address) => `${address}:3260`),
      ...(acls === 'explicit' ? { acls: NODES.map((name) => ({ initiator: `${INITIATOR}${name}` })) } : {}),
    })
    await this.#target.disable()
    await this.map()
    if (isUp) await this.#target.enable()
  }

  map(): Promise<unknown> {
    const { content, keeps } = this.settings
    return this.#target.map(LUN, {
      serial: SERIAL,
      name: VOLUME,
      bytes: BYTES[content],
      dir: '/lab/share',
      restoreRegistrations: keeps,
    })
  }

  /** Its backstore stays, so that the machine still has the volume. */
  unmap(): Promise<void> {
    return this.#target.unmap(LUN, { keep: true })
  }

  async restartTarget(isUp: boolean): Promise<void> {
    await this.#target.remove()
    await this.makeTarget(isUp)
  }

  /** Its machine dies; another one takes over its address and its files. */
  async moveTarget(): Promise<void> {
    await this.#array.kill()
    await this.#bootArray()
  }

  portal(isUp: boolean): Promise<void> {
    const portal = `${ADDRESS.array[1]}:3260`
    return isUp ? this.#target.addPortal(portal) : this.#target.removePortal(portal)
  }

  /** The node that holds the reservation according to the target's own kernel; null if no node does. */
  async holder(): Promise<NodeName | null> {
    const said = await this.#array.sh(`cat /sys/kernel/config/target/core/fileio_0/${VOLUME}/pr/res_holder`)
    return NODES.find((name) => said.includes(`${INITIATOR}${name}`)) ?? null
  }

  /** The initiator of each registration. */
  async registrations(): Promise<readonly string[]> {
    const path = `/sys/kernel/config/target/core/fileio_0/${VOLUME}/pr/res_pr_registered_i_pts`
    return (await this.#array.sh(`grep ${INITIATOR} ${path} || :`)).split('\n').filter(Boolean)
  }

  async checkFileSystem(): Promise<void> {
    const { code, stdout, stderr } = await this.#array.run(['e2fsck', '-fn', `/lab/share/${VOLUME}`])
    if (code !== 0) throw new Violation('unclean', VOLUME, `e2fsck ended with ${code}: ${stdout}${stderr}`)
  }

  // The volume's file

  get #file(): string {
    return join(this.#lab.share, VOLUME)
  }

  #paint(bytes: number, content: Settings['content']): void {
    this.#bytes = Buffer.alloc(bytes)
    if (content === 'raw')
      for (let at = 0; at < bytes; at += BLOCK) stamp(VOLUME, 0, at / BLOCK).copy(this.#bytes, at)
    writeFileSync(this.#file, this.#bytes)
  }

  /**
   * The present contents of the sectors that have changed since the last look. An ext4 has smaller blocks than
   * ours: a sector that was written may be beside one that was not.
   */
  changes(): (readonly [block: number, stamps: Stamps])[] {
    const now = readFileSync(this.#file)
    const before = this.#bytes
    this.#bytes = now
    const changed = new Map<number, Stamps[number][]>()
    for (let at = 0; at < now.length; at += BLOCK) {
      if (now.compare(before, at, at + BLOCK, at, at + BLOCK) === 0) continue
      const stamps: Stamps[number][] = []
      for (let sector = at; sector < at + BLOCK; sector += SECTOR)
        if (now.compare(before, sector, sector + SECTOR, sector, sector + SECTOR) !== 0)
          stamps.push(readStamp(now, sector))
      changed.set(at / BLOCK, stamps)
    }
    return [...changed]
  }

  /** The contents of a block. */
  block(block: number): Stamps {
    return readBlock(this.#bytes, block * BLOCK)
  }
}

function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = patient(COMMAND_DEADLINE_MS)
  const late = new Promise<never>((_, reject) => {
    const words = `${what} did not end within ${limit} ms`
    timer = setTimeout(() => reject(new Violation('hang', null, words)), limit)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

import { mkdir, mkdtemp, realpath, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepareRoot } from './debian/root.ts'
import { LabError } from './error.ts'
import { guard, type Guard } from './machine/guard.ts'
import { defaultCpu, startKernel } from './machine/kernel.ts'
import { memoryDirectory } from './machine/memory.ts'
import { cutNetwork, joinNetwork } from './network/cut.ts'
import { startSwitch } from './network/switch.ts'
import { measured } from './machine/pace.ts'
import { LabNode } from './node/node.ts'
import { packagesOf, settings, type BootOptions } from './node/options.ts'

const here = dirname(fileURLToPath(import.meta.url))

/** A set of machines on one switch. Close it, or let `await using` do so; nothing is left behind. */
export class Lab implements AsyncDisposable {
  /** this lab's directory on the host; removed by `close` */
  readonly dir: string
  /** every machine sees it as /lab/share; it outlives the machines, but not the lab */
  readonly share: string
  readonly #memoryDir: string
  readonly #guard: Guard
  readonly #nodes = new Set<LabNode>()
  #switch: Promise<string> | undefined
  #closed = false

  private constructor(dir: string, memoryDir: string) {
    this.dir = dir
    this.share = join(dir, 'share')
    this.#memoryDir = memoryDir
    this.#guard = guard(dir)
  }

  static async open(): Promise<Lab> {
    const memoryDir = memoryDirectory()
    // short, because the path of a unix socket below it may have at most 107 bytes
    const dir = await mkdtemp(join(memoryDir, 'lunkeeper-lab-'))
    await mkdir(join(dir, 'share'))
    await mkdir(join(dir, 'uml'))
    return new Lab(dir, memoryDir)
  }

  /**
   * Boots a machine, which takes about 1.5 s. The first machine of a Debian in a new cache takes 15 s more, and
   * needs the network.
   */
  async boot(options: BootOptions = {}): Promise<LabNode> {
    if (this.#closed) throw new LabError('the lab is closed')
    const {
      name = 'node',
      debian = 'bookworm',
      memory = 512,
      cpu = defaultCpu(),
      project = join(here, '..'),
    } = options
    if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name))
      throw new LabError(`'${name}' is not a valid host name for a machine`)
    if ([...this.#nodes].some((node) => node.name === name && !node.isOff))
      throw new LabError(`there is a machine ${name} already`)
    const root = await prepareRoot(debian, packagesOf(options))
    const machine = await mkdtemp(join(this.dir, `${name}-`))
    const at = join(machine, 'at')
    await mkdir(at)
    await writeFile(join(machine, 'settings'), settings({ ...options, name }))
    if (options.multipathConf !== undefined)
      await writeFile(join(machine, 'multipath.conf'), options.multipathConf)
    // links, so that the kernel's command line never contains a path with a space
    const places = {
      root: root.dir,
      guest: join(here, 'guest'),
      node: dirname(await realpath(process.execPath)),
      project,
      share: this.share,
      machine,
    }
    for (const [place, to] of Object.entries(places)) await symlink(to, join(at, place))
    const network =
      options.address === undefined
        ? undefined
        : await (this.#switch ??= startSwitch(root, this.dir, this.#guard))
    const kernel = startKernel({
      root,
      name: machine.slice(this.dir.length + 1),
      memory,
      cpu,
      at,
      sockets: join(this.dir, 'uml'),
      memoryDir: this.#memoryDir,
      network,
    })
    this.#guard.add(kernel.pid)
    const node = new LabNode(kernel, root.kernel, { ...options, name })
    this.#nodes.add(node)
    void this.#forget(node, kernel.pid)
    const started = performance.now()
    await node.up()
    if (!options.systemd) measured(performance.now() - started)
    return node
  }

  /** Runs once its machine is off. The kernel's first process is gone then; its helpers may end a moment later. */
  async #forget(node: LabNode, group: number): Promise<void> {
    await node.off
    node.sweep()
    this.#guard.drop(group)
    this.#nodes.delete(node)
  }

  /** Silences a machine's network card in both directions, without either side being notified: like an unplugged switch. */
  cut(node: LabNode): Promise<void> {
    return cutNetwork(node)
  }

  join(node: LabNode): Promise<void> {
    return joinNetwork(node)
  }

  /** Ends everything that belongs to this lab, and removes its directory. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#nodes].map((node) => node.kill()))
    await this.#guard.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

import type { Wire } from '../machine/wire.ts'
import type { RunOptions, RunResult } from './run.ts'

/**
 * Paths where a kernel may hold a caller in D state: files of volumes, disks, and the sysfs files that control
 * them. A program of the guest accesses those, with a deadline; the agent itself does everything else.
 */
const mayBlock = /^\/(?:mnt\/|dev\/(?:sd|dm-|mapper\/.|disk\/)|sys\/.*\/(?:scan|delete|rescan|state)$)/

/** Files of a machine. Paths are those in the guest. */
export class Files {
  readonly #wire: Wire
  readonly #ok: (argv: readonly string[], options?: RunOptions) => Promise<RunResult>

  constructor(wire: Wire, ok: (argv: readonly string[], options?: RunOptions) => Promise<RunResult>) {
    this.#wire = wire
    this.#ok = ok
  }

  async read(path: string): Promise<string> {
    return (await this.readBytes(path)).toString()
  }

  async readBytes(path: string): Promise<Buffer> {
    if (mayBlock.test(path)) return (await this.#ok(['cat', path])).bytes
    return Buffer.from(await this.#wire.call<string>('read', { path }), 'base64')
  }

  async write(
    path: string,
    content: string | Uint8Array,
    { append = false, mode = 0o644 } = {},
  ): Promise<void> {
    // sh would open with O_TRUNC, and cat writes what it reads in one write(2), as sysfs requires
    if (mayBlock.test(path))
      await this.#ok(['sh', '-c', `cat ${append ? '>>' : '>'} "$1"`, 'sh', path], { input: content })
    else
      await this.#wire.call('write-file', {
        path,
        data: Buffer.from(content).toString('base64'),
        append,
        mode,
      })
  }

  list(path: string): Promise<string[]> {
    return this.#wire.call('list', { path })
  }

  exists(path: string): Promise<boolean> {
    return this.#wire.call('exists', { path })
  }

  readlink(path: string): Promise<string> {
    return this.#wire.call('readlink', { path })
  }

  mkdir(path: string): Promise<void> {
    return this.#wire.call('mkdir', { path })
  }

  /** removes a file or a whole tree; it may be missing */
  remove(path: string): Promise<void> {
    return this.#wire.call('remove', { path })
  }

  /** makes `path` a link to `to` */
  symlink(path: string, to: string): Promise<void> {
    return this.#wire.call('symlink', { path, to })
  }
}

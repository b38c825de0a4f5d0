import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LabError } from '../error.ts'
import { fetchPackages } from './fetch.ts'
import { packages, recipe, type Debian } from './packages.ts'
import { settle } from './settle.ts'
import { unpack } from './unpack.ts'

/** An unpacked Debian and the kernel that boots it. Read-only, shared by all guests of all labs. */
export interface Root {
  readonly debian: Debian
  /** the guests' root file system */
  readonly dir: string
  /** holds `linux` and `ld.so`; the kernel is started from here */
  readonly boot: string
  /** as in `uname -r` */
  readonly kernel: string
}

const ready = new Map<string, Promise<Root>>()

/**
 * Finds a Debian in the cache, or makes it: about 15 s and 120 MB of download, once.
 *
 * Two processes that make the same one at the same time do not conflict: each works in its own directory, and the
 * first to rename its directory into place wins.
 *
 * @param extra packages beyond the usual ones, such as `python3-os-brick`: this makes another root in the cache
 */
export function prepareRoot(
  debian: Debian,
  extra: readonly string[] = [],
  say: (line: string) => void = sayToTerminal,
): Promise<Root> {
  const names = [...packages, ...extra]
  const hash = createHash('sha256')
    .update(JSON.stringify([recipe, debian, names.toSorted()]))
    .digest('hex')
    .slice(0, 12)
  const dir = join(cacheDirectory(), `${debian}-${hash}`)
  const found = ready.get(dir) ?? make(debian, names, dir, say)
  ready.set(dir, found)
  found.catch(() => ready.delete(dir))
  return found
}

export function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lunkeeper-lab')
}

async function make(
  debian: Debian,
  names: readonly string[],
  dir: string,
  say: (line: string) => void,
): Promise<Root> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new LabError(
      `the lab needs Linux on x86_64 (user-mode Linux is built for nothing else); this is ${process.platform} on ${process.arch}`,
    )
  if (!existsSync(dir)) {
    const parent = join(dir, '..')
    await mkdir(parent, { recursive: true })
    await sweep(parent)
    const work = await mkdtemp(`${dir}.making-`)
    try {
      const start = Date.now()
      const since = (): string => `${((Date.now() - start) / 1000).toFixed(1)} s`
      say(`lab: fetching Debian ${debian} (once; kept in ${dir})`)
      const archives = await fetchPackages(debian, names, join(work, 'apt'))
      say(`lab: unpacking ${archives.length} packages (${since()})`)
      await unpack(archives, join(work, 'root'))
      await settle(join(work, 'root'), join(work, 'boot'))
      await rm(join(work, 'apt'), { recursive: true })
      await rename(work, dir).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
      })
      say(`lab: Debian ${debian} is ready (${since()})`)
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  }
  return {
    debian,
    dir: join(dir, 'root'),
    boot: join(dir, 'boot'),
    kernel: await readFile(join(dir, 'boot', 'version'), 'utf8'),
  }
}

/**
 * Removes what killed processes left unfinished, once it is an hour old: making a root takes seconds, or minutes on
 * a slow network.
 */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.includes('.making-')) continue
    const path = join(parent, name)
    const made = await stat(path).catch(() => undefined)
    if (made && Date.now() - made.mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true })
  }
}

function sayToTerminal(line: string): void {
  process.stderr.write(`${line}\n`)
}

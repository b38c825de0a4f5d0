import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'
import type { HostPaths } from '../../../../src/host/paths.ts'
import { hostPaths } from '../../../../src/host/paths.ts'

/**
 * Files of a host, one line each:
 *   path = "text"    path # hex    path -> link    path/ (directory)    path ! ERROR (reading it fails)
 */
export type Tree = ReadonlyMap<string, string>

/** What a real kernel showed; see recorded/record.ts. */
export function recorded(name: string): Tree {
  const known = recordings.get(name)
  if (known) return known
  const text = readFileSync(join(import.meta.dirname, 'recorded', `${name}.tree`), 'utf8')
  const tree: Tree = new Map(text.trimEnd().split('\n').map(splitLine))
  recordings.set(name, tree)
  return tree
}

const recordings = new Map<string, Tree>()

function splitLine(line: string): [string, string] {
  const [, path = '', what = ''] = /^(\S+?)(\/| (?:=|#|->|!) .*)$/.exec(line) ?? []
  if (path === '') throw new Error(`not a line of a tree: ${line}`)
  return [path, what]
}

/** A host whose files are those of a tree, some of them changed or (null) removed. Must not be written to. */
export function lay(tree: Tree, changes: Readonly<Record<string, string | null>> = {}): HostPaths {
  const isPlain = Object.keys(changes).length === 0
  const known = isPlain ? laid.get(tree) : undefined
  if (known) return known
  const entries = new Map<string, string | null>(tree)
  for (const [path, text] of Object.entries(changes))
    entries.set(path, text === null ? null : ` = ${JSON.stringify(text)}`)
  const root = mkdtempSync(join(tmpdir(), 'lunkeeper-tree-'))
  roots.push(root)
  for (const [path, what] of entries) if (what !== null) layOne(join(root, path), what)
  const paths = hostPaths(root)
  if (isPlain) laid.set(tree, paths)
  return paths
}

const laid = new Map<Tree, HostPaths>()
const roots: string[] = []
afterAll(() => {
  laid.clear()
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

function layOne(path: string, what: string): void {
  mkdirSync(dirname(path), { recursive: true })
  if (existsSync(path)) return
  if (what.startsWith(' = ')) writeFileSync(path, JSON.parse(what.slice(3)))
  else if (what.startsWith(' # ')) writeFileSync(path, what.slice(3), 'hex')
  else if (what.startsWith(' -> ')) symlinkSync(what.slice(4), path)
  // A directory can be opened, but reading it fails: on a plain file system, this is the closest to ENOTCONN.
  else mkdirSync(path)
}

/** An empty host. */
export const nothing: Tree = new Map()

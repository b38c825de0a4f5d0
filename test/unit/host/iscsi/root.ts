import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { RunResult } from '../../../../src/host/exec/run.ts'
import type { Host } from '../../../../src/host/host.ts'
import { openHost } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'

/** A host whose root is a directory with these files. It runs no program: what it was asked to run is in `asked`. */
export function rootWith(
  files: Readonly<Record<string, string | Buffer>> = {},
  answer: Partial<RunResult> = {},
): Host & { readonly root: string; readonly asked: string[][] } {
  const root = mkdtempSync(join(tmpdir(), 'lunkeeper-root-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const asked: string[][] = []
  const host = openHost({
    paths: hostPaths(root),
    places: { records: join(root, 'var/lib/lunkeeper'), runtime: join(root, 'run/lunkeeper') },
  })
  onTestFinished(() => host.workers.close())
  return {
    ...host,
    root,
    asked,
    async run(program, args) {
      asked.push([program, ...args])
      return { code: 0, signal: null, stdout: '', stderr: '', ...answer }
    },
  }
}

/** Every file below a directory, by its path from there. */
export function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .toSorted()
}

import { execFile } from 'node:child_process'
import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { MutationName } from './mutations.ts'
import { mutate } from './mutations.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

/** The program under test, and the engine that replaces it in a resident process, both built from a copy of the sources. */
export async function buildProgram(into: string, mutations: readonly MutationName[]): Promise<void> {
  await mkdir(join(into, 'test/histories'), { recursive: true })
  for (const part of ['src', 'bin', 'package.json', 'tsconfig.json', 'test/histories/guest'])
    await cp(join(ROOT, part), join(into, part), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(into, 'node_modules'))
  for (const name of mutations) await mutate(into, name)
  const entries = ['engine=test/histories/guest/engine.ts']
  await run(process.execPath, [join(ROOT, 'scripts/bundle.mjs'), join(into, 'dist'), ...entries], {
    cwd: into,
  })
}

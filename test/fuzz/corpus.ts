import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

// Nothing here is used by the fuzzer's own process, which is one bundled file.
const project = () => join(import.meta.dirname, '../..')

/** The files of a directory of the project, each cut to `bytes` bytes. */
export function filesIn(directory: string, bytes: number): Buffer[] {
  const place = join(project(), directory)
  return readdirSync(place, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'answers.json' && !entry.name.endsWith('.md'))
    .map((entry) => readFileSync(join(place, entry.name)).subarray(0, bytes))
}

/** Inputs that once broke a promise. */
export function regressionsOf(target: string): { readonly name: string; readonly input: Buffer }[] {
  const place = join(project(), 'test/fuzz/regressions', target)
  if (!existsSync(place)) return []
  return readdirSync(place)
    .toSorted()
    .map((name) => ({ name, input: readFileSync(join(place, name)) }))
}

// node scripts/prune-types.mjs DIRECTORY: leaves the declarations that index.d.ts reaches; users of the
// package need no others.
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const directory = resolve(process.argv[2])
const reached = new Set()

function reach(file) {
  if (reached.has(file)) return
  reached.add(file)
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)['"]/g))
    reach(join(dirname(file), name).replace(/\.(ts|js)$/, '.d.ts'))
}

reach(join(directory, 'index.d.ts'))
const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
for (const entry of entries)
  if (entry.isFile() && !reached.has(join(entry.parentPath, entry.name)))
    rmSync(join(entry.parentPath, entry.name))
// The innermost first.
const directories = entries.filter((entry) => entry.isDirectory())
for (const path of directories
  .map((entry) => join(entry.parentPath, entry.name))
  .toSorted()
  .toReversed())
  if (readdirSync(path).length === 0) rmdirSync(path)

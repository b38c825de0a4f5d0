import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

const project = join(import.meta.dirname, '../..')
const files = execFileSync('git', ['ls-files', '--', 'src/*.ts'], { cwd: project, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '')

const EXPORT = /^export (?:async )?(?:function|class|const|interface|type) (\w+)/gm

/** The library's functions wrap those of the engine, and have the same names. */
const IN_LIBRARY = /^src\/library\//
/** A worker's function, and the function that calls the worker. */
const IN_WORKER = /^src\/host\/worker\//

it('no name is exported by two files', () => {
  const filesOf = new Map<string, Set<string>>()
  for (const path of files.filter((file) => !IN_LIBRARY.test(file) && !IN_WORKER.test(file)))
    for (const [, name] of readFileSync(join(project, path), 'utf8').matchAll(EXPORT))
      filesOf.set(name!, (filesOf.get(name!) ?? new Set()).add(path))
  const doubled = [...filesOf].filter(([, paths]) => paths.size > 1)
  expect(doubled.map(([name, paths]) => `${name}: ${[...paths].join(' ')}`)).toEqual([])
})

it('the library shares only names of functions with the engine', () => {
  const exportsOf = (path: string) =>
    [...readFileSync(join(project, path), 'utf8').matchAll(EXPORT)].map(([text, name]) => ({
      text,
      name: name!,
    }))
  const types = files
    .filter((file) => IN_LIBRARY.test(file))
    .flatMap(exportsOf)
    .filter(({ text }) => !/ function /.test(text))
  const others = new Set(
    files
      .filter((file) => !IN_LIBRARY.test(file))
      .flatMap(exportsOf)
      .map(({ name }) => name),
  )
  expect(types.filter(({ name }) => others.has(name))).toEqual([])
})

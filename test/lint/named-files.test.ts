import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

const project = join(import.meta.dirname, '../..')

const tracked = execFileSync('git', ['ls-files'], { cwd: project, encoding: 'utf8' }).trimEnd().split('\n')

/** Paths with a slash at the start, and also at the end of folders, so that the end of a path can be looked up. */
const known = new Set(
  tracked.flatMap((path) => {
    const parts = path.split('/')
    return [`/${path}`, ...parts.slice(1).map((_, at) => `/${parts.slice(0, at + 1).join('/')}/`)]
  }),
)
const tops = new Set(tracked.map((path) => path.split('/')[0]))

/** Files that `npm run build` creates. */
const GENERATED: ReadonlySet<string> = new Set(['src/csi/protocol/csi_pb.*'])

/** Examples of names that a reader chooses. */
const PLACEHOLDER = /\bNAME\b/

const FILE = /\.(?:ts|mts|mjs|md|proto|service)$/
const PATH = /^[\w.*@-]+(?:\/[\w.*@-]+)*\/?$/

const isFromTop = (path: string) => tops.has(path.split('/')[0])

/** Paths that a page names: from the top of the project, and in inline code also by their end (`plan/use.ts`, `split/`). */
function namedPaths(text: string): string[] {
  const inCode = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) => code.split(/\s+/))
  const fromTop = [...text.matchAll(/[\w.*@-]+\/[\w.*@/-]*/g)].map(([path]) => path)
  return [...inCode, ...fromTop.filter(isFromTop)]
    .map((path) => path.replace(/\.$/, ''))
    .filter(
      (path) =>
        PATH.test(path) && (FILE.test(path) || path.endsWith('/') || (path.includes('/') && isFromTop(path))),
    )
    .filter((path) => !GENERATED.has(path) && !PLACEHOLDER.test(path))
}

function exists(path: string): boolean {
  const literal = path.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '[^/]*')
  const pattern = new RegExp(`${isFromTop(path) ? '^' : ''}/${literal}${path.endsWith('/') ? '' : '/?'}$`)
  return [...known].some((one) => pattern.test(one))
}

const missing = (text: string) => [...new Set(namedPaths(text))].filter((path) => !exists(path))

describe('files that a page for contributors names', () => {
  it.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s: exist', (page) => {
    const text = readFileSync(join(project, page), 'utf8')
    expect(namedPaths(text).length).toBeGreaterThan(20)
    expect(missing(text)).toEqual([])
  })

  it.each([
    ['a file', '`src/model/absent.ts`', 'src/model/absent.ts'],
    ['a file by its end', '`plan/absent.ts`', 'plan/absent.ts'],
    ['a file by its name', 'in `absent.ts`', 'absent.ts'],
    ['a folder', '`src/absent/`', 'src/absent/'],
    ['a folder in a picture', '```\n  src/absent/  --> x\n```', 'src/absent/'],
    ['files by a pattern', '`src/absent-*.ts`', 'src/absent-*.ts'],
  ])('finds %s that is gone', (_, text, path) => {
    expect(missing(text)).toEqual([path])
  })

  it.each([
    '`src/model/plan/hold-*.ts`',
    '`plan/use.ts`, `status.ts`',
    '`/run/lunkeeper`, I/O, `I/O`',
    'docs/',
  ])('does not object to %s', (text) => expect(missing(text)).toEqual([]))
})

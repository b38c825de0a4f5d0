import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

import { describe, expect, it } from 'vitest'

const project = join(import.meta.dirname, '../..')

const pages = execFileSync('git', ['ls-files', '--', '*.md'], { cwd: project, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '')

const read = (path: string) => readFileSync(join(project, path), 'utf8')

/** Code is not searched: in code, `[0](x)` is not a link, and `# comment` is not a heading. */
const withoutCode = (text: string) => text.replaceAll(/^ *```[^]*?^ *```$/gm, '')

/** The anchors that GitHub makes of headings; a repeated heading gets a number. */
function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  return new Set(
    [...withoutCode(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
      const anchor = heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
        .replaceAll(' ', '-')
      const count = seen.get(anchor) ?? 0
      seen.set(anchor, count + 1)
      return count === 0 ? anchor : `${anchor}-${count}`
    }),
  )
}

/** Links of a page that lead nowhere in this repository. */
function brokenLinks(page: string, text: string, load = read): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return []
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : normalize(join(dirname(page), path))
    if (target !== page && !existsSync(join(project, target))) return [link]
    if (anchor === undefined || !target.endsWith('.md')) return []
    return anchorsOf(target === page ? text : load(target)).has(anchor) ? [] : [link]
  })
}

describe('links of the documentation', () => {
  it.each(pages)('of %s lead to files and headings that exist', (page) => {
    expect(brokenLinks(page, read(page))).toEqual([])
  })

  it.each([
    ['a file that is gone', '[x](absent.md)'],
    ['a heading of the page that is gone', '## Here\n[x](#there)'],
    ['a heading of another page that is gone', '[x](operating.md#absent)'],
  ])('finds a planted link to %s', (_, text) => {
    expect(brokenLinks('docs/page.md', text)).toHaveLength(1)
  })

  it.each([
    [
      'a heading with code and punctuation',
      '## What `doctor --fix` repairs\n[x](#what-doctor---fix-repairs)',
    ],
    ['the second of two equal headings', '## A\n## A\n[x](#a-1)'],
    ['another site', '[x](https://example.org/absent)'],
    ['nothing, in code', '```\n[x](absent.md)\n```'],
  ])('does not object to a link to %s', (_, text) => {
    expect(brokenLinks('docs/page.md', text)).toEqual([])
  })
})

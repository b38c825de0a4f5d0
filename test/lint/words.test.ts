import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { BANNED, violationsIn } from './words.ts'

const project = join(import.meta.dirname, '../..')

/** Recorded data (.log, .txt, .json) keeps the words of the programs that wrote it. */
const TEXT_FILES = ['ts', 'mts', 'mjs', 'js', 'sh', 'py', 'go', 'md']

/** What the word list covers: all of the program's text, its tests and tools, and its documentation. */
const COVERED = [
  'src/*.ts',
  'docs/*.md',
  'deploy',
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...['lab', 'bench', 'scripts', 'examples', 'test'].flatMap((folder) =>
    TEXT_FILES.map((extension) => `${folder}/*.${extension}`),
  ),
  // The word list, and its test, which plants phrases.
  ':(exclude)test/lint/words*.ts',
]

/** Folders that are not covered yet. This list must only shrink. */
const EXCEPTIONS: readonly string[] = []

const files = execFileSync('git', ['ls-files', '--', ...COVERED], { cwd: project, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && !EXCEPTIONS.some((exception) => path.startsWith(exception)))

describe('the word list', () => {
  it.each(files)('%s uses no banned phrase', (path) => {
    const found = violationsIn(readFileSync(join(project, path), 'utf8'))
    expect(found.map(({ line, message }) => `${path}:${line}: ${message}`)).toEqual([])
  })

  it.each([
    ['whoever waits for the lock', 'whoever'],
    ['the file system must be mounted anew', 'anew'],
    ['I/O shall wait', 'shall'],
    ['"x" is no address to serve at', 'is no'],
    ['no agent runs, and what waits goes on', 'what waits'],
    ['somebody else than the agent', 'somebody'],
    ['iscsi.csi.lunkeeper unless told.', 'unless told'],
  ])('finds a planted phrase: %s', (planted, phrase) => {
    const [found, ...more] = violationsIn(`first line\n${planted}\n`)
    expect(more).toEqual([])
    expect(found).toMatchObject({ line: 2, message: expect.stringContaining(`"${phrase}"`) })
  })

  it('does not object to ordinary uses of the same words', () => {
    expect(
      violationsIn('there is no volume; it is no longer held; no such LUN; the agent must wait'),
    ).toEqual([])
  })

  it('each phrase has a replacement and a reason', () => {
    for (const { instead, why } of BANNED) expect([instead, why].every((text) => text.length > 0)).toBe(true)
  })

  it('has no exceptions', () => expect(EXCEPTIONS).toEqual([]))
})

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { checkPageFile, writeTimeline } from '../../../src/cli/output/timeline/write.ts'
import { explainLog } from './explained.ts'
import { temporary } from '../temporary.ts'

const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts')
const TEXT = 'Aug 18 18:13:29 n1 kernel:  connection1:0: detected conn error (1020)\n'

const explain = (args: readonly string[], input = '') => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [MAIN, 'explain', ...args], {
    input,
    encoding: 'utf8',
  })
  return { status, stderr, stdout }
}

/** A directory with a log, and the same log under other names. */
function logAndAliases() {
  const directory = temporary()
  const at = (name: string) => join(directory, name)
  writeFileSync(at('n1.log'), TEXT)
  symlinkSync('n1.log', at('symlink'))
  linkSync(at('n1.log'), at('hardlink'))
  return { directory, at }
}

test.each(['n1.log', 'symlink', 'hardlink'])('a log is not overwritten by its page, named as %s', (name) => {
  const { at } = logAndAliases()
  expect(explain([at('n1.log'), '--html', at(name)])).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringMatching(/error\[USAGE\].*is one of the logs/),
  })
  expect(readFileSync(at('n1.log'), 'utf8')).toBe(TEXT)
})

test('a log in a directory, and standard input from a file, are not overwritten', async () => {
  const { directory, at } = logAndAliases()
  expect(explain([directory, '--html', at('n1.log')])).toMatchObject({ status: 2, stdout: '' })
  const shell = spawnSync(
    '/bin/sh',
    ['-c', 'exec "$0" "$1" explain - --html "$2" < "$2"', process.execPath, MAIN, at('n1.log')],
    { encoding: 'utf8' },
  )
  expect(shell).toMatchObject({ status: 2, stderr: expect.stringContaining('is one of the logs') })
  expect(readFileSync(at('n1.log'), 'utf8')).toBe(TEXT)
})

test('a file that is not an earlier page is not overwritten: FILE was forgotten', () => {
  const { at } = logAndAliases()
  expect(explain(['--html', at('n1.log')])).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(/error\[OUTPUT_UNWRITABLE\].*is not a page of lunkeeper explain/),
  })
  expect(readFileSync(at('n1.log'), 'utf8')).toBe(TEXT)
})

test('standard output is not named as the file of a page', () => {
  const { directory, at } = logAndAliases()
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'explain', at('n1.log'), '--html', '-'], {
    cwd: directory,
    encoding: 'utf8',
  })
  expect({ status, stderr }).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('standard output (-)'),
  })
  expect(readdirSync(directory)).not.toContain('-')
})

test('an earlier page is replaced as a whole, through a symbolic link, with its permissions', async () => {
  const { directory, at } = logAndAliases()
  await writeTimeline(at('page.html'), await explainLog(''))
  chmodSync(at('page.html'), 0o600)
  symlinkSync('page.html', at('latest.html'))
  const before = statSync(at('page.html')).ino
  await checkPageFile(at('latest.html'), [at('n1.log'), '-', '/nonexistent'])
  await writeTimeline(at('latest.html'), await explainLog(TEXT))
  expect(readlinkSync(at('latest.html'))).toBe('page.html')
  expect(readFileSync(at('page.html'), 'utf8')).toContain('1 outage of 1 iSCSI connection')
  expect(statSync(at('page.html'))).toMatchObject({ mode: 0o100600 })
  // A new file took its place: a reader of the old one does not see a part of the new one.
  expect(statSync(at('page.html')).ino).not.toBe(before)
  expect(readdirSync(directory).filter((name) => name.startsWith('.'))).toEqual([])
})

test('a page that cannot be written leaves no file behind', async () => {
  const { directory, at } = logAndAliases()
  mkdirSync(at('taken'))
  const story = await explainLog('')
  for (const file of [at('taken'), '/dev/null', at('absent/page.html')])
    await expect(writeTimeline(file, story)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
  expect(readdirSync(directory).toSorted()).toEqual(['hardlink', 'n1.log', 'symlink', 'taken'])
})

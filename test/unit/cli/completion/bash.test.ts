import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { beforeAll, expect, test } from 'vitest'

import { COMMANDS } from '../../../../src/cli/commands.ts'
import { bashCompletion } from '../../../../src/cli/completion/bash.ts'
import { commandLinesOf } from '../../../../src/cli/completion/command-line.ts'
import { temporary } from '../../temporary.ts'

let dir: string

beforeAll(() => {
  dir = temporary()
  mkdirSync(join(dir, 'volumes'))
  for (const name of ['db.json', 'db-old.json', 'web.json', '.draft.new'])
    writeFileSync(join(dir, 'volumes', name), '')
  mkdirSync(join(dir, 'a directory'))
  writeFileSync(join(dir, 'volume.yaml'), '')
  writeFileSync(join(dir, 'completion'), bashCompletion(commandLinesOf(COMMANDS)))
})

/** The completions that bash offers at the end of a line; a blank at its end begins a new word. */
function offered(line: string, cwd = dir): string[] {
  const words = line.split(' ')
  const script = `set -u; source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lunkeeper; printf '%s\\n' "\${COMPREPLY[@]}"`
  const out = execFileSync('bash', ['--norc', '-c', script, join(dir, 'completion'), ...words], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LUNKEEPER_RECORDS: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return out.split('\n').filter(Boolean)
}

test.each([
  ['lunkeeper ', [...COMMANDS.map(({ name }) => name), 'help']],
  ['lunkeeper vol', ['volumes']],
  ['lunkeeper --j', ['--json']],
  ['lunkeeper --json se', ['sessions']],
  ['lunkeeper attach --hold', ['--hold', '--hold-mode']],
  ['lunkeeper attach --fs ', ['ext4', 'xfs']],
  ['lunkeeper attach --portal 10.0.0.5 --hold-mode m', ['map', 'multipathd']],
  ['lunkeeper attach --iqn ', []],
  ['lunkeeper attach -f vol', ['volume.yaml', 'volumes']],
  ['lunkeeper attach --mount a', ['a directory']],
  ['lunkeeper volumes --records vol', ['volumes']],
  ['lunkeeper detach ', ['db', 'db-old', 'web']],
  ['lunkeeper detach --f', ['--force']],
  ['lunkeeper detach /usr/bi', ['/usr/bin']],
  ['lunkeeper expand w', ['web']],
  ['lunkeeper volumes db-', ['db-old']],
  ['lunkeeper completion ', ['bash', 'zsh', 'fish']],
  ['lunkeeper help de', ['detach']],
  ['lunkeeper dr', ['drill']],
  ['lunkeeper drill --t', ['--true-time', '--timer', '--takeover']],
  ['lunkeeper drill --takeover ', ['same', 'address']],
  ['lunkeeper drill --timer ', ['120', '300', '400']],
])('"%s" offers %j', (line, words) => {
  expect(offered(line).toSorted()).toEqual(words.toSorted())
})

test('bash completes lunkeeper after it has sourced the script', () => {
  const script = 'source "$0"; complete -p lunkeeper'
  expect(execFileSync('bash', ['--norc', '-c', script, join(dir, 'completion')], { encoding: 'utf8' })).toBe(
    'complete -F _lunkeeper lunkeeper\n',
  )
})

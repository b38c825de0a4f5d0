import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { temporary } from '../../temporary.ts'

const SOURCE = join(import.meta.dirname, '../../../../src/host/exec/self.ts')

/** What runSelf returns or throws in a process whose program is this script. */
function outcomeOf(program: string, deadline: number): unknown {
  const path = join(temporary(), 'program.mjs')
  writeFileSync(path, program)
  const caller = `
    import { runSelf } from ${JSON.stringify(SOURCE)}
    process.argv[1] = ${JSON.stringify(path)}
    const outcome = await runSelf(['doctor'], { deadline: ${deadline} }).catch(({ code, message }) => ({ code, message }))
    console.log(JSON.stringify(outcome))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', caller], {
    encoding: 'utf8',
    timeout: 25_000,
  })
  return JSON.parse(stdout || 'null')
}

test('runSelf returns the exit status and the output of the program', () => {
  expect(outcomeOf('console.log(process.argv[2]); process.exitCode = 3', 20_000)).toEqual({
    code: 3,
    signal: null,
    stdout: 'doctor',
    stderr: '',
  })
})

test('a program that does not end, not even its pipes, is abandoned after its deadline', () => {
  const program = `
    import { spawn } from 'node:child_process'
    process.on('SIGTERM', () => {})
    spawn('sleep', ['30'], { stdio: 'inherit', detached: true })
    setInterval(() => {}, 1_000)`
  expect(outcomeOf(program, 1_000)).toEqual({
    code: 'TIMEOUT',
    message: 'lunkeeper doctor did not end within 1 s',
  })
})

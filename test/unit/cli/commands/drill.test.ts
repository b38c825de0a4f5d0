import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { beforeAll, expect, test } from 'vitest'

import { drillCommand } from '../../../../src/cli/commands/drill.ts'
import { PLAIN } from '../../../../src/cli/output/display.ts'
import { temporary } from '../../temporary.ts'

const PROJECT = join(import.meta.dirname, '../../../..')
const DONE = { ok: true, report: '/r.html', summary: '\nA pause of 13 s', sides: { stock: { errors: 9 } } }

/** The package without the lab, as it is installed. */
let root: string
let main: string

beforeAll(() => {
  root = temporary()
  main = join(root, 'src/cli/main.ts')
  cpSync(join(PROJECT, 'src'), join(root, 'src'), { recursive: true })
  cpSync(join(PROJECT, 'package.json'), join(root, 'package.json'))
  symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'))
})

function drill(program: string, ...args: string[]) {
  return spawnSync(process.execPath, [program, 'drill', ...args], { encoding: 'utf8', cwd: root })
}

/** Plants a lab whose drill only runs this script. */
function plant(script: string): void {
  const file = join(root, 'lab/drill/run.ts')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `import { writeFileSync } from 'node:fs'\n${script}`)
}

test('an installed package has no lab, and the hint says where it is', () => {
  const { status, stdout, stderr } = drill(main, '--json')
  expect(status).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'PROGRAM_MISSING' } })
  expect(stderr).toBe(
    `error[PROGRAM_MISSING]: the lab is not installed with the program\nhint: The lab is part of the source checkout: clone it, and run \`npm run drill\` there.\n`,
  )
})

test('the lab gets the request of the flags, and its answer is the only JSON document', () => {
  plant(
    `writeFileSync('asked', process.argv[2]); process.stdout.write(${JSON.stringify(JSON.stringify({ drills: [DONE] }))})`,
  )
  const { status, stdout, stderr } = drill(main, '--outage', '60', '--fs', 'xfs', '--json')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(JSON.parse(stdout)).toEqual([DONE])
  const asked: unknown = JSON.parse(readFileSync(join(root, 'asked'), 'utf8'))
  expect(asked).toEqual({ outage: 60, fs: 'xfs', report: 'drill-report.html', trueTime: false })
})

test('summaries are printed; one failed drill gives exit status 1', () => {
  expect(drillCommand.text([DONE], PLAIN)).toBe('\nA pause of 13 s\nreport: /r.html\n')
  expect(drillCommand.exit?.([DONE, DONE])).toBe(0)
  expect(drillCommand.exit?.([DONE, { ...DONE, ok: false }, DONE])).toBe(1)
})

test('a drill without output is an error with its exit status', () => {
  plant('process.exit(7)')
  expect(drill(main)).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringContaining('error[DRILL_FAILED]: the drill exited without a result, with status 7'),
  })
})

test('stopping the command stops the drill', async () => {
  plant(`process.stderr.write('at work ' + process.pid + '\\n'); setInterval(() => {}, 1000)`)
  const child = spawn(process.execPath, [main, 'drill'], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
  const [words] = (await once(child.stderr, 'data')) as [Buffer]
  const drill = Number(/at work (\d+)/.exec(words.toString())![1])
  child.kill('SIGTERM')
  await once(child, 'exit')
  await expect.poll(() => alive(drill)).toBe(false)
})

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // a process whose parent is gone may be a zombie until another process reaps it
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('the lab of this checkout accepts the request, and refuses one that it cannot run', () => {
  const { status, stderr } = drill(join(PROJECT, 'src/cli/main.ts'), '--outage', '9')
  expect({ status, stderr }).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('error[USAGE]: an outage lasts 10 to 300 s'),
  })
})

// npm run drill: a storage machine dies under two writers, one kept by open-iscsi's own timer, one by Lunkeeper.
import { accessSync, constants, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { debians, type Debian } from '../index.ts'
import { runDrill } from './drill.ts'
import { live } from './live.ts'
import { verdictOn } from './numbers.ts'
import { planned, type FileSystem, type Plan, type Takeover } from './plan.ts'
import { page } from './report/page.ts'
import { summary } from './summary.ts'

const HELP = `npm run drill -- [OPTIONS]

  --outage SECONDS          how long the target is away, 10 to 300; all timers are scaled with it (25, for 300)
  --true-time               nothing is scaled: outage 300 s, stock timer 120 s, hold 600 s; takes six minutes
  --takeover same|address   the other machine takes over the dead one's address, or serves at its own (same)
  --fs ext4|xfs             (ext4)
  --debian ${debians.join('|')}  (bookworm)
  --report FILE             where the report goes (drill-report.html)
  --json                    the numbers as one JSON document on standard output

Exit status: 0 Lunkeeper's writer went on, lost nothing and had no error; 1 otherwise; 2 the request is wrong.
`

const options = {
  outage: { type: 'string' },
  'true-time': { type: 'boolean', default: false },
  takeover: { type: 'string', default: 'same' },
  fs: { type: 'string', default: 'ext4' },
  debian: { type: 'string', default: 'bookworm' },
  report: { type: 'string', default: 'drill-report.html' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const read = () => parseArgs({ options }).values
type Values = ReturnType<typeof read>

function oneOf<T extends string>(name: string, value: string, all: readonly T[]): T {
  if (!all.includes(value as T)) throw new RangeError(`--${name} is one of ${all.join(', ')}`)
  return value as T
}

function planOf(values: Values): Plan {
  return planned({
    ...(values.outage === undefined ? {} : { outage: Number(values.outage) }),
    trueTime: values['true-time'],
    takeover: oneOf<Takeover>('takeover', values.takeover, ['same', 'address']),
    fs: oneOf<FileSystem>('fs', values.fs, ['ext4', 'xfs']),
    debian: oneOf<Debian>('debian', values.debian, debians),
  })
}

/** @throws when nothing could be written there: better before six minutes than after */
function placeOf(report: string): string {
  // npm runs this in the checkout, whatever directory it was called from
  const file = resolve(process.env.INIT_CWD ?? '.', report)
  accessSync(dirname(file), constants.W_OK)
  return file
}

/** @returns the exit status */
async function main(): Promise<number> {
  let values: Values
  let plan: Plan
  let file: string
  try {
    values = read()
    if (values.help) {
      process.stdout.write(HELP)
      return 0
    }
    plan = planOf(values)
    file = placeOf(values.report)
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n\n${HELP}`)
    return 2
  }
  const drill = await runDrill(plan, live(process.stderr))
  const verdict = verdictOn(drill)
  const { kernel, mode, words } = drill
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ ...verdict, plan, kernel, mode, words }, null, 2)}\n`
      : summary(drill, verdict),
  )
  writeFileSync(file, page(drill, verdict))
  process.stderr.write(`\nreport: ${file}\n`)
  return verdict.ok ? 0 : 1
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`error: the drill broke off: ${(error as Error).message}\n`)
  return 1
})

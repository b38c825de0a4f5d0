// A real process that takes a lock. Prints "ready", waits for a line, prints "held" when it has the lock, and
// "free" afterwards.
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { withLock } from '../../../../src/host/lock/lock.ts'
import { isLunkeeperError } from '../../../../src/model/errors.ts'

interface Task {
  readonly dir: string
  readonly key: string
  readonly what: string
  readonly deadline: number
  /** How often to take the lock, and whether to wait for a line before each time. */
  readonly times: number
  readonly step?: boolean
  /** How long to hold the lock, in milliseconds. @default until a line is read */
  readonly hold?: number
  /** The file with the count, and the log of visits beside it. */
  readonly counter?: string
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const task = JSON.parse(process.argv[2]!) as Task
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (text: string) => process.stdout.write(`${text}\n`)

async function visit(): Promise<void> {
  say('held')
  const { counter, hold } = task
  const before = counter && existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : 0
  if (counter) appendFileSync(`${counter}.log`, `in ${before} ${process.pid}\n`)
  if (hold === undefined) await lines.next()
  else await new Promise((resolve) => setTimeout(resolve, hold))
  if (!counter) return
  // Replaced as a whole, because this process may be killed.
  writeFileSync(`${counter}.${process.pid}`, String(before + 1))
  renameSync(`${counter}.${process.pid}`, counter)
  appendFileSync(`${counter}.log`, `out ${before + 1} ${process.pid}\n`)
}

say('ready')
try {
  for (let time = 0; time < task.times; time++) {
    if (time === 0 || task.step) await lines.next()
    await withLock(task.dir, task.key, task, visit)
    say('free')
  }
} catch (error) {
  say(isLunkeeperError(error) ? `${error.code} ${error.message}` : String(error))
}
process.stdin.destroy()

// node bench/explain.ts [PROGRAM [ARGUMENT...]]: how fast `explain` reads a log of 1 GB of which 1 % matters, and what memory it
// needs for that; beside a program that only reads the log and looks for one word. Default: bin/lunkeeper.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'

const BYTES = 1_000_000_000
const ROUNDS = 3
const POLL_MS = 10
const program = process.argv.slice(2)
const command = program.length > 0 ? program : [join(import.meta.dirname, '../bin/lunkeeper')]

/** What any reader of a log does: the floor. */
const SCAN = `
  const fs = require('node:fs')
  const fd = fs.openSync(process.argv[1])
  const block = Buffer.alloc(256 << 10)
  let hits = 0
  for (let length; (length = fs.readSync(fd, block, 0, block.length, null)) > 0;)
    for (let at = -1; (at = block.subarray(0, length).indexOf('detected conn error', at + 1)) !== -1;) hits++
  console.log(hits)`

interface Measured {
  /** Processor time, in seconds. */
  readonly seconds: number
  /** The most that was resident, in MB. */
  readonly peak: number
}

const directory = mkdtempSync(join(tmpdir(), 'lunkeeper-bench-'))
try {
  const log = join(directory, 'big.log')
  writeLog(log)
  const own: Measured[] = []
  const floor: Measured[] = []
  for (let round = 0; round < ROUNDS; round++) {
    own.push(await measured([...command, 'explain', log]))
    floor.push(await measured([execPath, '-e', SCAN, log]))
  }
  print('explain', own)
  print('a scan for one word', floor)
} finally {
  rmSync(directory, { recursive: true, force: true })
}

/** Lines as in a busy syslog; every hundredth is of a disk, and now and then a session is lost and returns. */
function writeLog(path: string): void {
  const fd = openSync(path, 'w')
  let size = 0
  for (let block = 0, second = 0; size < BYTES; block++) {
    const lines: string[] = []
    for (let at = 0; at < 5_000; at++, second = (second + (at % 20 === 0 ? 1 : 0)) % 2_400_000) {
      const stamp = new Date(Date.UTC(2026, 7, 1) + second * 1000).toISOString().slice(0, 19)
      if (at % 100 !== 0)
        lines.push(
          `${stamp}Z n1 app[${at % 977}]: request ${block * 5000 + at} took ${at % 97} ms, worker ${at % 7}, 200 OK`,
        )
      else if (at === 0 && block % 50 === 0)
        lines.push(`${stamp}Z n1 kernel:  connection1:0: detected conn error (1020)`)
      else if (at === 4_900 && block % 50 === 0)
        lines.push(`${stamp}Z n1 iscsid: connection1:0 is operational after recovery (3 attempts)`)
      else
        lines.push(`${stamp}Z n1 kernel: sd 2:0:0:1: [sdb] tag#${at % 64} Sense Key : Medium Error [current]`)
    }
    size += writeSync(fd, `${lines.join('\n')}\n`)
  }
  closeSync(fd)
}

async function measured([file, ...args]: readonly string[]): Promise<Measured> {
  const before = childrenSeconds()
  const child = spawn(file!, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  let peak = 0
  const poll = setInterval(() => (peak = Math.max(peak, peakOf(child.pid!))), POLL_MS)
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('exit', resolve).once('error', reject)
  const code = await promise
  clearInterval(poll)
  if (code !== 0) throw new Error(`${file} ended with ${code}`)
  return { seconds: childrenSeconds() - before, peak }
}

/** proc_pid_stat(5): the processor time of children that were waited for, in ticks of 10 ms. */
function childrenSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[13]) + Number(fields[14])) / 100
}

/** VmHWM: the peak, as the kernel keeps it. */
function peakOf(pid: number): number {
  try {
    return (
      (Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024) / 1e6
    )
  } catch {
    return 0
  }
}

function print(what: string, all: readonly Measured[]): void {
  const speeds = all.map(({ seconds }) => BYTES / 1e6 / seconds).toSorted((a, b) => a - b)
  const peaks = all.map(({ peak }) => peak).toSorted((a, b) => a - b)
  const median = (values: readonly number[]) => Math.round(values[values.length >> 1]!)
  process.stdout.write(
    `${what}: ${median(speeds)} MB/s of processor time (${speeds.map(Math.round).join(', ')}), peak ${median(peaks)} MB (${peaks.map(Math.round).join(', ')})\n`,
  )
}

// Two kinds of load on a file system, until killed.
//   load.mjs hog FILE     overwrites FILE as fast as memory takes it, never syncs
//   load.mjs steady FILE  every 50 ms 1 MiB with fsync; says how many milliseconds each took
import { fsyncSync, openSync, writeSync } from 'node:fs'

const MIB = 1 << 20
const [kind, file] = process.argv.slice(2)
const fd = openSync(file, 'w')

if (kind === 'hog') {
  const chunk = Buffer.alloc(MIB, 'hog')
  for (let n = 0; ; n = (n + 1) % 128) {
    writeSync(fd, chunk, 0, MIB, n * MIB)
    // What it needs of the file system's own is in memory by then.
    if (n === 40) console.log('writing')
  }
} else {
  const chunk = Buffer.alloc(MIB, 'steady')
  for (let n = 0; ; n = (n + 1) % 4) {
    const started = performance.now()
    writeSync(fd, chunk, 0, chunk.length, n * chunk.length)
    fsyncSync(fd)
    console.log((performance.now() - started).toFixed(1))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

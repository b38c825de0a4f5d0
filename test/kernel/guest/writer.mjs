// Writes numbered blocks, one after the other, each confirmed by the device before it counts. Says how
// long each took, and every error; `check` reads back what was confirmed.
//   writer.mjs write FILE [MILLISECONDS between two writes] · writer.mjs check FILE COUNT
import { constants, closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'

const SIZE = 4096
const [what, file, number] = process.argv.slice(2)
const pauseMs = Number(number ?? 20)
const block = (n) => Buffer.alloc(SIZE, `${n} `)

function write(n) {
  const flags = constants.O_WRONLY | (file.startsWith('/dev/') ? 0 : constants.O_CREAT)
  const fd = openSync(file, flags, 0o644)
  try {
    writeSync(fd, block(n), 0, SIZE, (n * SIZE) % (32 << 20))
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

if (what === 'write')
  for (let n = 0; ; n++) {
    const started = performance.now()
    try {
      write(n)
      console.log(`ok ${n} ${Math.round(performance.now() - started)}`)
    } catch (error) {
      console.log(`error ${n} ${error.code}`)
      n--
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
else {
  const fd = openSync(file, 'r')
  const got = Buffer.alloc(SIZE)
  for (let n = 0; n < Number(number); n++) {
    readSync(fd, got, 0, SIZE, n * SIZE)
    if (!got.equals(block(n))) throw new Error(`block ${n} is not what was confirmed`)
  }
  console.log('all there')
}

// oxlint-disable unicorn/require-post-message-target-origin -- a worker thread has no origin
// Runs inside a machine, as its only servant: carries out what the lab asks over the serial line.
// Requests and answers are one JSON document a line: {id, op, ...} -> {id, value} or {id, error}; events carry no id.
//
// It must answer while the kernel holds other processes in D state. So its own thread touches no file: files and
// LIO are a worker's job, programs are children. Plain JavaScript, because stripping types costs a guest 0.1 s.
import { globSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Worker } from 'node:worker_threads'
import { childOps } from './children.mjs'

// hostfs drops a file's pages with its last user (it deletes the inode), which no file system on a disk does: each `lunkeeper` would
// read its Node, of 100 MB, from the host again.
for (const node of globSync('/lab/project/.tools/node_modules/*/bin/node')) openSync(node)

const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
const children = childOps(send)

let worker
let workerCalls = new Map()
function inWorker(request) {
  worker ??= startWorker()
  return new Promise((resolve, reject) => {
    workerCalls.set(request.id, { resolve, reject })
    worker.postMessage(request)
  })
}
function startWorker() {
  const made = new Worker(new URL('./files.mjs', import.meta.url))
  made.on('message', ({ id, value, error }) => {
    const call = workerCalls.get(id)
    workerCalls.delete(id)
    if (error) call?.reject(error)
    else call?.resolve(value)
  })
  return made
}

const ops = { ping: () => null, ...children }

// every byte is confirmed: the lab sends no more than the terminal can buffer (lab/machine/wire.ts says why)
process.stdin.on('data', (chunk) => process.stdout.write(`{"got":${chunk.length}}\n`))
createInterface({ input: process.stdin, terminal: false })
  // oxlint-disable-next-line typescript/no-misused-promises -- it catches what it throws
  .on('line', async (line) => {
    const request = JSON.parse(line)
    try {
      const value = await (ops[request.op] ?? inWorker)(request)
      send({ id: request.id, value: value ?? null })
    } catch (error) {
      send({ id: request.id, error: { message: error.message ?? String(error), code: error.code } })
    }
  })
  // the lab is gone: so is its machine
  .on('close', () => process.exit(0))
process.on('SIGHUP', () => process.exit(0))
// the worker is wanted in nearly every test; its start is hidden behind the first request
worker = startWorker()
send({ event: 'ready' })

// oxlint-disable unicorn/require-post-message-target-origin -- a worker thread has no origin
// A thread of the agent: files and LIO, with plain synchronous calls. If the kernel blocks one of them, only later
// file requests wait; programs and signals continue. Paths that are known to block are sent to children instead (by the lab).
import fs from 'node:fs'
import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { lioOps } from './lio.mjs'

const ops = {
  read: ({ path }) => fs.readFileSync(path).toString('base64'),
  readSome: ({ path, offset, length }) => {
    const fd = fs.openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(length)
      return bytes.subarray(0, fs.readSync(fd, bytes, 0, length, offset)).toString('base64')
    } finally {
      fs.closeSync(fd)
    }
  },
  'write-file': ({ path, data, append, mode }) =>
    fs.writeFileSync(path, Buffer.from(data, 'base64'), { flag: append ? 'a' : 'w', mode }),
  list: ({ path }) => fs.readdirSync(path),
  exists: ({ path }) => {
    try {
      fs.lstatSync(path)
      return true
    } catch {
      return false
    }
  },
  readlink: ({ path }) => fs.readlinkSync(path),
  mkdir: ({ path }) => void fs.mkdirSync(path, { recursive: true }),
  remove: ({ path }) => fs.rmSync(path, { recursive: true, force: true }),
  symlink: ({ path, to }) => fs.symlinkSync(to, path),
  /** sha256 of a file, read in pieces */
  hash: ({ path }) => {
    const sum = createHash('sha256')
    const fd = fs.openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(1 << 20)
      for (let n; (n = fs.readSync(fd, bytes, 0, bytes.length, null)) > 0;) sum.update(bytes.subarray(0, n))
    } finally {
      fs.closeSync(fd)
    }
    return sum.digest('hex')
  },
  /** one round trip for what tests ask most: what the initiator side of this kernel holds */
  storage: () => {
    return {
      sessions: names('/sys/class/iscsi_session', /^session\d+$/),
      disks: names('/sys/block', /^sd/),
      maps: names('/sys/block', /^dm-/).map((name) =>
        fs.readFileSync(`/sys/block/${name}/dm/name`, 'utf8').trim(),
      ),
      mounts: fs
        .readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => / - \S+ \/dev\/(sd|dm-|mapper|disk)/.test(line))
        .map((line) => line.split(' ')[4]),
      uevents: Number(fs.readFileSync('/sys/kernel/uevent_seqnum', 'utf8')),
    }
  },
  ...lioOps,
}

function names(path, pattern) {
  return listed(path).filter((name) => pattern.test(name))
}

function listed(path) {
  try {
    return fs.readdirSync(path)
  } catch {
    return []
  }
}

parentPort.on('message', (request) => {
  try {
    const op = ops[request.op]
    if (!op) throw new Error(`the agent has no operation ${request.op}`)
    parentPort.postMessage({ id: request.id, value: op(request) })
  } catch (error) {
    parentPort.postMessage({ id: request.id, error: { message: error.message, code: error.code } })
  }
})

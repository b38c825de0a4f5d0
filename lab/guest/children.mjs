// Programs: run to the end, or started and left running.
import { spawn } from 'node:child_process'

function launch({ argv, env, cwd, input, keepInput }) {
  const child = spawn(argv[0], argv.slice(1), {
    cwd: cwd ?? '/root',
    env: { ...process.env, ...env },
    stdio: [input !== undefined || keepInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    // a group of its own, so that a deadline ends what it started, too
    detached: true,
  })
  if (input !== undefined) {
    child.stdin.on('error', () => {})
    child.stdin.end(Buffer.from(input, 'base64'))
  }
  return child
}

function run({ argv, env, cwd, input, deadline }) {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const child = launch({ argv, env, cwd, input })
    const out = []
    const err = []
    let timedOut = false
    let ended
    const timers = []
    const finish = (stuck) => {
      timers.forEach(clearTimeout)
      child.stdout.destroy()
      child.stderr.destroy()
      if (stuck) child.unref()
      resolve({
        code: ended?.code ?? null,
        signal: ended?.signal ?? null,
        stdout: Buffer.concat(out).toString('base64'),
        stderr: Buffer.concat(err).toString('base64'),
        ms: Math.round((performance.now() - start) * 10) / 10,
        timedOut,
        stuck,
      })
    }
    child.once('error', reject)
    child.stdout.on('data', (chunk) => out.push(chunk))
    child.stderr.on('data', (chunk) => err.push(chunk))
    child.once('exit', (code, signal) => {
      ended = { code, signal }
      // a daemon that it left behind may hold the pipes open forever; the program's own output arrives long before this
      timers.push(setTimeout(() => finish(false), 300))
    })
    child.once('close', () => finish(false))
    timers.push(
      setTimeout(() => {
        timedOut = true
        signalGroup(child.pid, 'SIGKILL')
        // in D state the signal waits for the kernel; we do not
        timers.push(setTimeout(() => finish(ended === undefined), 500))
      }, deadline),
    )
  })
}

export function childOps(send) {
  const started = new Map()

  function start(request) {
    return new Promise((resolve, reject) => {
      const child = launch({ ...request, keepInput: true })
      child.once('error', reject)
      child.once('spawn', () => {
        const { pid } = child
        started.set(pid, child)
        child.stdin.on('error', () => {})
        child.stdout.on('data', (chunk) => send({ event: 'stdout', pid, data: chunk.toString('base64') }))
        child.stderr.on('data', (chunk) => send({ event: 'stderr', pid, data: chunk.toString('base64') }))
        child.once('exit', (code, signal) => {
          started.delete(pid)
          send({ event: 'exit', pid, code, signal })
        })
        resolve({ pid })
      })
    })
  }

  return {
    run,
    start,
    /** to the program and all it started; `alone` for only itself */
    signal: ({ pid, signal, alone }) => (alone ? signalOne(pid, signal) : signalGroup(pid, signal)),
    write: ({ pid, data, end }) => {
      const stdin = started.get(pid)?.stdin
      if (data !== undefined) stdin?.write(Buffer.from(data, 'base64'))
      if (end) stdin?.end()
    },
    /** kills everything started and not ended; the answer names what is still there after a moment (D state) */
    killAll: async ({ wait }) => {
      const pids = [...started.keys()]
      for (const pid of pids) signalGroup(pid, 'SIGKILL')
      const until = performance.now() + wait
      while (pids.some((pid) => started.has(pid)) && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 10))
      return pids.filter((pid) => started.has(pid))
    },
  }
}

function signalGroup(pid, signal) {
  return signalOne(-pid, signal)
}

function signalOne(pid, signal) {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if (error.code === 'ESRCH') return false
    throw error
  }
}

// Runs inside the machine: how long I/O stays held after a target that was away takes logins again, and what the floor takes
// from the same moment for login, scan of one LUN and INQUIRY. Prints one JSON line a measurement: `loggedIn` and `disk` are
// when sysfs had a session of the target, and a disk of it.
//   return.mjs OURS FLOOR DEVICE ROUNDS: the two targets' IQNs, the hold map's device
import { execFile } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { constants } from 'node:fs'
import { open, readFile, readdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const [ours, floor, device, rounds] = process.argv.slice(2)

const enable = (iqn, on) => writeFile(`/sys/kernel/config/target/iscsi/${iqn}/tpgt_1/enable`, on ? '1' : '0')

// One write after the other, each confirmed by the target.
const writes = new EventEmitter()
const ending = new AbortController()
const writing = (async () => {
  const file = await open(device, constants.O_RDWR | constants.O_DSYNC)
  const block = Buffer.alloc(4096, 1)
  while (!ending.signal.aborted) {
    await file.write(block, 0, block.length, 0)
    writes.emit('confirmed')
    await sleep(5)
  }
  await file.close()
})()

/** Until the write that is under way has waited for a second: its path is gone. */
async function held() {
  for (;;) {
    try {
      await once(writes, 'confirmed', { signal: AbortSignal.timeout(1000) })
    } catch {
      return
    }
  }
}

const SESSIONS = '/sys/class/iscsi_session'

/** The first session of the target that is logged in, as a directory of sysfs. */
async function sessionOf(iqn) {
  for (const name of await readdir(SESSIONS)) {
    const read = (file) => readFile(`${SESSIONS}/${name}/${file}`, 'utf8').catch(() => '')
    if ((await read('targetname')).trim() === iqn && (await read('state')).trim() === 'LOGGED_IN')
      return `${SESSIONS}/${name}/device`
  }
  return null
}

async function hasDisk(session) {
  for (const name of await readdir(session).catch(() => [])) {
    if (!name.startsWith('target')) continue
    if ((await readdir(`${session}/${name}`)).some((one) => /^\d+:\d+:\d+:\d+$/.test(one))) return true
  }
  return false
}

/** Notes when each part of a return is done, until `ended` is. @returns milliseconds from the call */
async function timed(iqn, ended) {
  const started = performance.now()
  const at = { loggedIn: null, disk: null }
  const over = new AbortController()
  const ms = ended.then(() => {
    over.abort()
    return performance.now() - started
  })
  while (!over.signal.aborted) {
    const session = await sessionOf(iqn)
    if (session) at.loggedIn ??= performance.now() - started
    if (session && (await hasDisk(session))) at.disk ??= performance.now() - started
    if (at.disk !== null) break
    await sleep(10)
  }
  return { ms: await ms, ...at }
}

for (let round = 0; round < Number(rounds); round++) {
  // A different moment of every clock that looks at a target now and then.
  const away = 2000 + ((round * 1370) % 5000)
  await enable(ours, false)
  await held()
  await sleep(away)
  const confirmed = once(writes, 'confirmed')
  await enable(ours, true)
  console.log(JSON.stringify({ peer: 'lunkeeper', ...(await timed(ours, confirmed)) }))
  await sleep(2000)

  await enable(floor, false)
  await sleep(200)
  await enable(floor, true)
  const attached = run('/lab/project/bench/guest/floor.sh', ['attach', floor, '0', '127.0.0.2:3260'])
  console.log(JSON.stringify({ peer: 'floor', ...(await timed(floor, attached)) }))
  await run('/lab/project/bench/guest/floor.sh', ['detach', floor, '0', '127.0.0.2:3260'])
  await sleep(1000)
}
ending.abort()
await writing

// Runs inside the machine, beside its kernel: the floor, Lunkeeper's library and os-brick in turn, in one
// boot. Prints one JSON line a measurement.
//   main.mjs IQN PORTAL LUNS REPEATS BATCHES...
import { execFile, spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

// oxlint-disable-next-line import/no-absolute-path -- where a guest of the lab sees the checkout
import { attach, detach, openHost } from '/lab/project/dist/index.js'

const run = promisify(execFile)
const [iqn, portal, lunCount, repeats, brickPython, ...batches] = process.argv.slice(2)
const luns = Number(lunCount)
const last = luns - 1
const floor = (what, lun) =>
  run('/lab/project/bench/guest/floor.sh', [what, iqn, String(lun), portal]).then(({ stdout }) =>
    Number(stdout),
  )

const host = openHost()
const request = (lun) => ({ portal, iqn, lun, hold: '120s', holdMode: 'auto' })
const nameOf = new Map()
const ours = {
  attach: async (lun) => nameOf.set(lun, (await attach(host, request(lun))).name),
  detach: (lun) => detach(host, nameOf.get(lun)),
}

async function timed(work) {
  const started = performance.now()
  await work()
  return performance.now() - started
}

function processes() {
  return Number(/^processes (\d+)/m.exec(readFileSync('/proc/stat', 'utf8'))[1])
}

async function measure(peer, what, work, size = 1) {
  await quiet()
  const before = processes()
  const answer = await work()
  const started = processes() - before
  console.log(JSON.stringify({ luns, peer, what, size, ms: answer, processes: started }))
}

/** Until udev has nothing to do: its work for one measurement must not fall into the next. */
async function quiet() {
  for (let calm = 0, seen = ''; calm < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const now = readFileSync('/sys/kernel/uevent_seqnum', 'utf8') + processes()
    calm = now === seen ? calm + 1 : 0
    seen = now
  }
}

async function brickOf() {
  const child = spawn(brickPython, ['/lab/project/bench/guest/peer.py', iqn, portal], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return {
    async ask(what, lun) {
      child.stdin.write(`${what} ${lun}\n`)
      const { value } = await lines.next()
      if (!/^[\d.]+$/.test(value)) throw new Error(`os-brick: ${what} ${lun}: ${value}`)
      return Number(value)
    },
    end: () => child.stdin.end(),
  }
}

// Once untimed: a resident process has its worker and its modules.
await ours.attach(last)
await ours.detach(last)
const brick = brickPython === '-' ? null : await brickOf()
for (let round = 0; round < Number(repeats); round++) {
  // What the start of one program costs each of them: an iscsiadm that does nothing.
  await measure('floor', 'start of one iscsiadm', () => floor('nothing', 0))
  await measure('lunkeeper', 'start of one iscsiadm', () =>
    timed(() => host.run('iscsiadm', ['--version'], { deadline: 60_000 })),
  )
  await measure('floor', 'attach', () => floor('attach', last))
  await measure('floor', 'detach', () => floor('detach', last))
  await measure('lunkeeper', 'attach', () => timed(() => ours.attach(last)))
  await measure('lunkeeper', 'detach', () => timed(() => ours.detach(last)))
  if (brick) {
    await measure('os-brick', 'attach', () => brick.ask('attach', last))
    await measure('os-brick', 'detach', () => brick.ask('detach', last))
  }
  if (luns < 2) continue
  // A second volume, with the session there.
  await ours.attach(0)
  await measure('floor', 'second attach', () => floor('scan', last))
  await measure('floor', 'second detach', () => floor('unscan', last))
  await measure('lunkeeper', 'second attach', () => timed(() => ours.attach(last)))
  await measure('lunkeeper', 'second detach', () => timed(() => ours.detach(last)))
  await ours.detach(0)
}
for (const batch of batches.map(Number).filter((size) => size <= luns)) {
  const all = Array.from({ length: batch }, (_, lun) => lun)
  // Many at once take long, and vary little.
  for (let round = 0; round < Math.min(3, Number(repeats)); round++) {
    await measure(
      'floor',
      'attach',
      () => timed(() => Promise.all(all.map((lun) => floor('locked-attach', lun)))),
      batch,
    )
    await measure(
      'floor',
      'detach',
      () => timed(() => Promise.all(all.map((lun) => floor('locked-detach', lun)))),
      batch,
    )
    await measure('lunkeeper', 'attach', () => timed(() => Promise.all(all.map(ours.attach))), batch)
    await measure('lunkeeper', 'detach', () => timed(() => Promise.all(all.map(ours.detach))), batch)
  }
}
brick?.end()
await host[Symbol.asyncDispose]()
const left = readdirSync('/sys/block').filter((name) => name.startsWith('sd'))
console.log(JSON.stringify({ left }))

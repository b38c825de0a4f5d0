// Runs inside a machine: what the reservation of a volume costs, and how long many volumes take. Prints one JSON line a measurement.
//   ownership.mjs cost IQN PORTAL ROUNDS: LUN 0 keeps the session; LUN 1 has reservations, LUN 2 has none
//   ownership.mjs attach|take-over|detach|give-up IQN PORTAL COUNT: LUNs 0 to COUNT - 1, all at once; give-up detaches with force
// oxlint-disable-next-line import/no-absolute-path -- where a guest of the lab sees the checkout
import { attach, detach, openHost } from '/lab/project/dist/index.js'

const [what, iqn, portal, count] = process.argv.slice(2)
const host = openHost()
const nameOf = (lun) => `v${lun}`
const attachLun = (lun, takeOver = false) =>
  attach(host, { portal, iqn, lun, name: nameOf(lun), hold: '120s', takeOver })
const detachLun = (lun, force = false) => detach(host, nameOf(lun), { force })

async function timed(work) {
  const started = performance.now()
  await work()
  return performance.now() - started
}

const say = (measured) => console.log(JSON.stringify(measured))
const luns = Array.from({ length: Number(count) }, (_, lun) => lun)

async function cost() {
  await attachLun(0)
  // Once untimed: a resident process has its worker and its modules.
  for (const lun of [1, 2]) {
    await attachLun(lun)
    await detachLun(lun)
  }
  for (const round of luns)
    for (const lun of round % 2 ? [1, 2] : [2, 1]) {
      const attached = await timed(() => attachLun(lun))
      const detached = await timed(() => detachLun(lun))
      say({ hasReservations: lun === 1, attached, detached })
    }
  await detachLun(0)
}

const acts = {
  attach: (lun) => attachLun(lun),
  'take-over': (lun) => attachLun(lun, true),
  detach: (lun) => detachLun(lun),
  'give-up': (lun) => detachLun(lun, true),
}

if (what === 'cost') await cost()
else say({ ms: await timed(() => Promise.all(luns.map(acts[what]))) })
await host[Symbol.asyncDispose]()

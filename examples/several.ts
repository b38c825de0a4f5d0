// Attaches several LUNs of one target at the same time, within one minute, as raw devices.
//   node examples/several.ts 10.9.0.1 iqn.2026-11.example:san 17 18 19
import { attach, openHost } from 'lunkeeper'

const [portal = '', iqn = '', ...luns] = process.argv.slice(2)

// One host for all: its worker processes are shared, and end with this block.
await using host = openHost({ hold: '1h' })
const signal = AbortSignal.timeout(60_000)
const ended = await Promise.allSettled(luns.map((lun) => attach(host, { portal, iqn, lun, signal })))
for (const [index, one] of ended.entries())
  console.log(luns[index], one.status === 'fulfilled' ? one.value.device : String(one.reason))

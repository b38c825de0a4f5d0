// Prints how many milliseconds a small program takes in a kernel of the lab: this is where most of a kernel test's
// time goes.
import { Lab } from './index.ts'

await using lab = await Lab.open()
const node = await lab.boot()
const times: number[] = []
for (let run = 0; run < 3; run++) times.push((await node.ok(['node', '-e', '0'])).ms)
process.stdout.write(`${Math.round(Math.min(...times))}\n`)

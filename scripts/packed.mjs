// What the tests of installation install: prints its directory (dist.packed).
import { bring, bringPacked } from './bring.mjs'

process.stdout.write(`${bringPacked(bring())}\n`)

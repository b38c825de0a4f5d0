// npm run release [-- --out DIRECTORY --architecture amd64 --no-image]: everything that people install, into one directory
// (dist.release): see deploy/release/.
import { join } from 'node:path'

import { bring, bringTools, root, run } from './bring.mjs'

const node = bring()
run(node, [join(root, 'deploy/release/build.ts'), '--node', bringTools(), ...process.argv.slice(2)])

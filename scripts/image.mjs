// npm run image [-- --out DIRECTORY]: the agent's image as an OCI layout, without Docker and without root.
import { join } from 'node:path'

import { bring, bringTools, root, run } from './bring.mjs'

const node = bring()
run(node, [join(root, 'deploy/image/build.ts'), '--node', bringTools(), ...process.argv.slice(2)])

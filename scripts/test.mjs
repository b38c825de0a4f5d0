// npm test: brings everything it needs, then runs all tests; real kernels included.
import { bring, root, run, step } from './bring.mjs'

const node = bring()
const chosen = process.argv.slice(2)
step('bringing the kernels of the lab', () => run(node, [`${root}/lab/debian/prepare.ts`]))
run(node, [`${root}/node_modules/vitest/vitest.mjs`, 'run', ...chosen])

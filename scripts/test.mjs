// npm test: brings everything it needs, then runs all tests; real kernels included.
import { bring, root, run, step } from './bring.mjs'

const node = bring()
const chosen = process.argv.slice(2)
// Those that take as long as on a real night are asked for by name.
const projects = chosen.some((word) => word.startsWith('--project'))
  ? []
  : ['unit', 'lab', 'deploy', 'kernel'].map((name) => `--project=${name}`)
step('bringing the kernels of the lab', () => run(node, [`${root}/lab/debian/prepare.ts`]))
run(node, [`${root}/node_modules/vitest/vitest.mjs`, 'run', ...projects, ...chosen])

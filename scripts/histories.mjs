// npm run test:histories -- [--nodes 2] [--ops N] [--seed S] ...: see test/histories/run.ts and test/histories/two-nodes/run.ts.
import { bring, root, run, step } from './bring.mjs'

const node = bring()
step('bringing the kernels of the lab', () => run(node, [`${root}/lab/debian/prepare.ts`]))
const words = process.argv.slice(2)
const at = words.indexOf('--nodes')
const nodes = at === -1 ? '1' : words.splice(at, 2)[1]
run(node, [`${root}/test/histories/${nodes === '2' ? 'two-nodes/' : ''}run.ts`, ...words])

// npm run test:histories -- [--ops N] [--seed S] ...: see test/histories/run.ts.
import { bring, root, run, step } from './bring.mjs'

const node = bring()
step('bringing the kernels of the lab', () => run(node, [`${root}/lab/debian/prepare.ts`]))
run(node, [`${root}/test/histories/run.ts`, ...process.argv.slice(2)])

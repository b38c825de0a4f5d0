// npm run test:page: the page in a browser, with nodes that are made up, and served by an agent on a kernel of the lab. It
// needs Chromium.
import { bring, root, run, step } from './bring.mjs'

const node = bring()
step('bringing the kernels of the lab', () => run(node, [`${root}/lab/debian/prepare.ts`]))
run(node, [`${root}/node_modules/vitest/vitest.mjs`, 'run', '--project=page', ...process.argv.slice(2)])

// npm run test:page: the page in a browser. It needs neither the build nor the lab, but Chromium.
import { bringDependencies, bringNode, root, run } from './bring.mjs'

const node = bringNode()
bringDependencies(node)
run(node, [`${root}/node_modules/vitest/vitest.mjs`, 'run', '--project=page', ...process.argv.slice(2)])

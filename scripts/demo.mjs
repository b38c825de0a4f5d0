// npm run demo: brings everything it needs, then attaches and detaches one of 48 LUNs and plays an outage, on real kernels. See lab/demo/.
import { bring, root, run, step } from './bring.mjs'

const node = bring()
step('bringing the kernels of the lab', () =>
  run(node, [`${root}/lab/debian/prepare.ts`, 'bookworm'], { stdio: ['ignore', 'ignore', 'inherit'] }),
)
run(node, [`${root}/lab/demo/demo.ts`, ...process.argv.slice(2)])

// npm run bench: see bench/run.ts.
import { bring, root, run } from './bring.mjs'

const node = bring()
run(node, [`${root}/bench/run.ts`, ...process.argv.slice(2)])

// npm run drill: brings everything it needs, then kills a storage machine under two writers. See lab/drill/.
import { bring, root, run } from './bring.mjs'

const node = bring()
run(node, [`${root}/lab/drill/run.ts`, ...process.argv.slice(2)])

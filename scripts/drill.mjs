// npm run drill: brings everything it needs, then kills a storage machine under two writers. See lab/drill/.
import { bring, root, run } from './bring.mjs'

const node = bring()
run(node, [`${root}/dist/lunkeeper.js`, 'drill', ...process.argv.slice(2)])

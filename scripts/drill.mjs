// npm run drill: brings everything it needs, then runs `lunkeeper drill`. See lab/drill/.
import { bring, root, run } from './bring.mjs'

const node = bring()
// npm runs this in the checkout; the report goes where the person is
const cwd = process.env.INIT_CWD ?? process.cwd()
run(node, [`${root}/dist/lunkeeper.js`, 'drill', ...process.argv.slice(2)], { cwd })

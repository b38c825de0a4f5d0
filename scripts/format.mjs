import { bringDependencies, bringNode, root, run } from './bring.mjs'

const node = bringNode()
bringDependencies(node)
run(node, [`${root}/node_modules/oxfmt/bin/oxfmt`, ...process.argv.slice(2)])

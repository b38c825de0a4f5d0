import { bringDependencies, bringNode, root, run } from './bring.mjs'

const node = bringNode()
bringDependencies(node)
run(node, [`${root}/node_modules/typescript/bin/tsc`, '-p', 'tsconfig.json'])
run(node, [`${root}/node_modules/typescript/bin/tsc`, '-p', 'src/http/page/browser/tsconfig.json'])
run(node, [`${root}/node_modules/oxlint/bin/oxlint`, '--type-aware', '--max-warnings=0'])
run(node, [`${root}/node_modules/oxfmt/bin/oxfmt`, '--check'])

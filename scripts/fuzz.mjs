// npm run fuzz -- [TARGET...] [--runs N] ...: see test/fuzz/run.ts.
import { bring, bringFuzzer, root, run } from './bring.mjs'

const node = bring()
const fuzzer = bringFuzzer(node)
run(node, [`${root}/test/fuzz/run.ts`, '--fuzzer', fuzzer, ...process.argv.slice(2)])

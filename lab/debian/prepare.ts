import { debians } from './packages.ts'
import { prepareRoot } from './root.ts'

// `node lab/debian/prepare.ts [suite...]`: fills the cache, so that the first test does not have to.
const asked = process.argv.slice(2)
for (const debian of debians.filter((name) => asked.length === 0 || asked.includes(name))) {
  const root = await prepareRoot(debian)
  process.stdout.write(`${debian}: kernel ${root.kernel} in ${root.dir}\n`)
}

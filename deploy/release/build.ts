import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import type { Architecture } from './architecture.ts'
import { ARCHITECTURES } from './architecture.ts'
import { release } from './release.ts'

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    node: { type: 'string' },
    architecture: { type: 'string', multiple: true },
    'no-image': { type: 'boolean', default: false },
  },
})
const isArchitecture = (word: string): word is Architecture => ARCHITECTURES.some((one) => one === word)
const out = resolve(values.out ?? join(import.meta.dirname, '../../dist.release'))
const architectures = values.architecture ?? ARCHITECTURES
if (!architectures.every(isArchitecture)) throw new Error(`--architecture is ${ARCHITECTURES.join(' or ')}`)
await release(out, {
  node: resolve(values.node ?? process.execPath),
  architectures,
  image: !values['no-image'],
})
process.stdout.write(`${out}\n`)

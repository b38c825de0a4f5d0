import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { makeImage } from './image.ts'

const { values } = parseArgs({ options: { out: { type: 'string' }, node: { type: 'string' } } })
const out = resolve(values.out ?? join(import.meta.dirname, '../../dist.image'))
process.stdout.write(`${await makeImage(out, resolve(values.node ?? process.execPath))}\n`)

// Resizes a volume, and the file system on it, after its LUN grew on the storage system.
//   node examples/expand.ts orders
import { expand } from 'lunkeeper'

const [name = ''] = process.argv.slice(2)

const { expanded } = await expand(name)
console.log(expanded.from === expanded.to ? 'nothing to do' : `${expanded.from} -> ${expanded.to} bytes`)

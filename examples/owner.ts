// Shows which node may write to a volume.
//   node examples/owner.ts orders
import { owner } from 'lunkeeper'

const [name = ''] = process.argv.slice(2)

const { verdict, why, holder } = await owner(name)
console.log(`${verdict}: ${why}${holder === null ? '' : ` (${holder})`}`)

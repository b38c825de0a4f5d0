// Shows how long the I/O of a volume is held during an outage; with a second argument, changes it.
//   node examples/hold.ts orders
//   node examples/hold.ts orders 2h
import { hold, setHold } from 'lunkeeper'

const [name = '', wanted] = process.argv.slice(2)

if (wanted !== undefined) await setHold(name, wanted)
const { effective, since, deadline } = await hold(name)
console.log(
  since === null ? `would hold for ${effective} s` : `held since ${since}, until ${deadline ?? 'forever'}`,
)

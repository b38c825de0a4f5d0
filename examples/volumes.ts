// Lists the volumes of this node and the state of their paths.
//   node examples/volumes.ts
import { volumes } from 'lunkeeper'

const all = await volumes({ onWarning: (message) => console.error(`warning: ${message}`) })
for (const { name, state, device, mount, paths } of all)
  console.log(
    name,
    state,
    mount ?? device,
    paths.map((path) => `${path.portal} ${path.sessionState}`).join(', '),
  )
console.log(`${all.length} volumes`)

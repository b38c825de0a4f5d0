// Ends the hold of every volume that is in an outage: its held I/O fails, and data not yet on the target is lost.
//   node examples/give-up.ts
import { giveUp, openHost, volumes } from 'lunkeeper'

await using host = openHost()
for (const { name, state } of await volumes(host)) {
  if (state !== 'holding') continue
  await giveUp(host, name)
  console.log(`${name}: held I/O has failed`)
}

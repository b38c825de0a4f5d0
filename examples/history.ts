// Says how often each volume was held today, and which outages cost data.
//   node examples/history.ts
import { history } from 'lunkeeper'

const { volumes, outages } = await history()
for (const { name, today } of volumes)
  console.log(`${name}: ${today.count} outages today, the longest ${today.longest} s`)
for (const { volume, since, how } of outages.filter(({ io }) => io === 'failed'))
  console.log(`${volume}: I/O failed in the outage of ${since} (${how})`)

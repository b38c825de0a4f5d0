// Explains the outages in log files.
//   node examples/explain.ts /var/log/syslog*
import { explain } from 'lunkeeper'

const logs = process.argv.slice(2)

// Without a log: the kernel log of this machine.
const { sessions, causes } = await explain(logs.length > 0 ? logs : null)
for (const { portal, session, outages } of sessions)
  for (const { lostAt, lostUptime, seconds, survived, prevention } of outages)
    console.log(
      `session ${session} ${portal ?? ''}: lost at ${lostAt ?? `${lostUptime} s`}, for ${seconds ?? '?'} s;`,
      survived ? 'no damage' : prevention.words,
    )
for (const { what, advice } of causes) console.log(`${what}: ${advice}`)

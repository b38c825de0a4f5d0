// A Kubernetes API server in the machine, with the files of a service account. Reads lines of JSON from stdin, {id,
// mood, attachments}; answers with lines "id JSON", which contain everything that it has and was asked. Usage: node
// api-server.ts PORT STATE RULES DIRECTORY
import { mkdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

import type { Mood, Rule, SeenVolumeAttachment, State } from '../../api-server/server.ts'
import { ApiServer } from '../../api-server/server.ts'

const [port, state, rules, directory] = process.argv.slice(2)
const server = await ApiServer.start(JSON.parse(state!) as State, JSON.parse(rules!) as Rule[], Number(port))
mkdirSync(directory!, { recursive: true })
writeFileSync(`${directory}/token`, 'token-1\n')
writeFileSync(`${directory}/ca.crt`, server.cert)
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, mood, attachments } = JSON.parse(line) as {
    id: number
    mood?: Mood
    attachments?: SeenVolumeAttachment[]
  }
  if (mood) server.mood = mood
  if (attachments) server.attachments = attachments
  const { asked, conditions, pods } = server
  console.log(`${id} ${JSON.stringify({ asked, conditions, pods, events: [...server.events.values()] })}`)
})
console.log('ready')

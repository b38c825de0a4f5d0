// Says which states a node's sessions and one volume's hold have, whenever they change. Reads sysfs and a note
// under /run only, which never block.
//   watch.mjs VOLUME
import { readFileSync, readdirSync } from 'node:fs'

const EVERY = 100
const SESSIONS = '/sys/class/iscsi_session'
const [volume] = process.argv.slice(2)

function read(file) {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return null
  }
}

function sessions() {
  try {
    return readdirSync(SESSIONS).map((name) => ({
      name,
      iqn: read(`${SESSIONS}/${name}/targetname`),
      state: read(`${SESSIONS}/${name}/state`),
    }))
  } catch {
    return []
  }
}

let last = ''
function look() {
  const note = read(`/run/lunkeeper/holds/${volume}.json`)
  const seen = JSON.stringify({ sessions: sessions(), note })
  if (seen === last) return
  last = seen
  process.stdout.write(`${JSON.stringify({ at: Date.now(), ...JSON.parse(seen) })}\n`)
}

setInterval(look, EVERY)
look()

import type { Host } from '../host/host.ts'
import { makeRoom } from '../hold/room.ts'
import type { AgentLog } from './log.ts'

/** A program that writes at the speed of memory fills the node's limit within a second. */
const PULSE = 200

/** Keeps the room of those that do not wait; what the agent does otherwise does not hold it up. */
export function keepRoom(host: Host, log: AgentLog): Disposable {
  const tend = () => {
    try {
      const done = makeRoom(host)
      if (done !== null) log.say(null, done)
    } catch (error) {
      log.once('node', 'room', `the limit of unwritten memory stays: ${(error as Error).message}`)
    }
  }
  tend()
  const timer = setInterval(tend, PULSE)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

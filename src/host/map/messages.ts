import { LunkeeperError } from '../../model/errors.ts'
import { complaint } from '../exec/run.ts'
import type { Host } from '../host.ts'

/** Device-mapper answers a message at once. */
const DEADLINE = 20_000

interface Message {
  readonly map: string
  readonly text: string
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** What waits to be sent, for each host that has something on its way. */
const waiting = new WeakMap<Host, Message[]>()

// One line a message: the map's name, and the rest. The answer: a line with dmsetup's exit status for each.
const SCRIPT = 'while read -r map text; do dmsetup message "$map" 0 "$text" >&2; echo $?; done'

/**
 * Sends a message to a map (`fail_path 8:16`, `queue_if_no_path`). What comes while a program is sending
 * goes together in the next one: a target that goes away takes a hundred volumes with it, and starting
 * programs is what would take time.
 * @throws MAP_FAILED
 */
export function sendMessage(host: Host, map: string, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const message = { map, text, resolve, reject }
  const queue = waiting.get(host)
  if (queue) queue.push(message)
  else {
    waiting.set(host, [message])
    setImmediate(() => void sendAll(host))
  }
  return promise
}

async function sendAll(host: Host): Promise<void> {
  for (let queue = waiting.get(host)!; queue.length > 0; queue = waiting.get(host)!) {
    waiting.set(host, [])
    await send(host, queue)
  }
  waiting.delete(host)
}

async function send(host: Host, messages: readonly Message[]): Promise<void> {
  try {
    const input = messages.map(({ map, text }) => `${map} ${text}\n`).join('')
    const ran = await host.run('sh', ['-c', SCRIPT], { deadline: DEADLINE, input })
    const answers = ran.stdout.split('\n')
    messages.forEach(({ map, text, resolve, reject }, index) =>
      answers[index] === '0'
        ? resolve()
        : reject(new LunkeeperError('MAP_FAILED', `${map} did not take "${text}": ${complaint(ran)}`)),
    )
  } catch (error) {
    for (const { reject } of messages) reject(error as Error)
  }
}

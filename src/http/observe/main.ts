// The observer: a process that reads this node for the agent's page and API while clients ask for it, and makes the
// changes that they request, so that neither occupies the agent's event loop. It ends when the agent ends.
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

import type { Host } from '../../host/host.ts'
import { openHost } from '../../host/host.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import { makeChange } from './make-change.ts'
import { observe } from './observe.ts'
import type { ChangeError, FromObserver, ToObserver } from './protocol.ts'

/**
 * Nice value of the observer: the agent, which has a higher priority (src/cli/commands/agent.ts), must not wait for it.
 */
const PRIORITY = 5

const send = (message: FromObserver) => void process.send?.(message, undefined, undefined, () => {})
const stop = new AbortController()
let host: Host | null = null

process.on('message', (message: ToObserver) => {
  if (message.kind === 'start') void start(message)
  else void change(message)
})
process.on('disconnect', () => process.exit(0))
// The agent handles signals to the process group, and then disconnects.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
lowerPriority()

async function start({ records, runtime, hostRoot }: Extract<ToObserver, { kind: 'start' }>): Promise<void> {
  host = openHost({
    places: { records, runtime },
    actor: { via: 'agent', command: 'agent --http', user: null },
    ...(hostRoot === null ? {} : { hostRoot }),
  })
  await observe(host, {
    onAlive: () => send({ kind: 'alive' }),
    onPart: (name, json) => send({ kind: 'part', name, json }),
    // The part keeps its last state. doctor and the agent's log show the reason.
    onError: () => {},
    signal: stop.signal,
  })
}

async function change({ id, change }: Extract<ToObserver, { kind: 'change' }>): Promise<void> {
  try {
    if (!host) throw new Error('the observer has not started')
    send({ kind: 'done', id, json: JSON.stringify(await makeChange(host, change)) })
  } catch (error) {
    send({ kind: 'failed', id, error: errorOf(error) })
  }
}

function errorOf(error: unknown): ChangeError {
  if (isLunkeeperError(error)) return { code: error.code, message: error.message, hint: error.hint }
  return {
    code: 'INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    hint: 'Run the command of the same name on the node.',
  }
}

/**
 * Gives the observer a low CPU priority, and the default OOM score instead of the agent's protected one, which it
 * inherits.
 */
function lowerPriority(): void {
  try {
    setPriority(PRIORITY)
    writeFileSync('/proc/self/oom_score_adj', '0')
  } catch {
    // Without permission, the observer runs with the agent's settings.
  }
}

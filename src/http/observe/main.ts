// The observer: a process that reads this node for the agent's page and API while a client wants them, and makes the
// changes that they ask for. The agent's own loop reads nothing for a client and makes no JSON. It ends when the agent does.
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

import type { Host } from '../../host/host.ts'
import { openHost } from '../../host/host.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import { perform } from './act.ts'
import { observe } from './observe.ts'
import type { ActError, FromObserver, ToObserver } from './protocol.ts'

/** The agent goes first (src/cli/commands/agent.ts); who looks at it does not. */
const PRIORITY = 5

const say = (message: FromObserver) => void process.send?.(message, undefined, undefined, () => {})
const stop = new AbortController()
let opened: Host | null = null

process.on('message', (message: ToObserver) => {
  if (message.kind === 'start') void start(message)
  else void act(message)
})
process.on('disconnect', () => process.exit(0))
// Signals to the group are handled by the agent.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
stepBack()

async function start({ records, runtime, hostRoot }: Extract<ToObserver, { kind: 'start' }>): Promise<void> {
  opened = openHost({
    places: { records, runtime },
    actor: { via: 'agent', command: 'agent --http', user: null },
    ...(hostRoot === null ? {} : { hostRoot }),
  })
  await observe(opened, {
    alive: () => say({ kind: 'alive' }),
    told: (name, json) => say({ kind: 'part', name, json }),
    // The part keeps its last state; doctor and the log of the agent have the reason.
    fault: () => {},
    signal: stop.signal,
  })
}

async function act({ id, act }: Extract<ToObserver, { kind: 'act' }>): Promise<void> {
  try {
    if (!opened) throw new Error('the observer has not started')
    say({ kind: 'done', id, json: JSON.stringify(await perform(opened, act)) })
  } catch (error) {
    say({ kind: 'failed', id, error: errorOf(error) })
  }
}

function errorOf(error: unknown): ActError {
  if (isLunkeeperError(error)) return { code: error.code, message: error.message, hint: error.hint }
  return {
    code: 'INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    hint: 'Run the command of the same name on the node.',
  }
}

/** It must neither take the processor from the agent nor be spared, as the agent is, when memory runs out. */
function stepBack(): void {
  try {
    setPriority(PRIORITY)
    writeFileSync('/proc/self/oom_score_adj', '0')
  } catch {
    // It works without.
  }
}

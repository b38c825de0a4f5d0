import type { Host } from '../../host/host.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Context } from '../command.ts'
import { version } from '../version.ts'
import type { LogWriter } from './log-writer.ts'
import { logWriter } from './log-writer.ts'
import type { Served } from './serve.ts'

export interface KeepOptions {
  readonly context: Context
  /** What to serve under the current configuration. @throws USAGE BAD_CONFIG */
  readonly asked: () => Promise<Served>
}

/**
 * Runs the agent until SIGTERM or SIGINT. SIGHUP restarts it in the same process with the configuration read again; as
 * with any new agent, no volume is touched. An invalid configuration is reported and changes nothing.
 */
export async function keep({ context, asked }: KeepOptions): Promise<void> {
  const end = new AbortController()
  let turn = new AbortController()
  let served = await asked()
  let former = served
  const say = (line: string) => context.say(line)
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => end.abort(new LunkeeperError('CANCELLED', `stopped by ${name}`)))
  const reload = async () => {
    await context.reload()
    served = await asked()
    turn.abort(new LunkeeperError('CANCELLED', 'reloads'))
  }
  process.on('SIGHUP', () => void reload().catch((error: unknown) => say(notReloaded(error))))
  while (!end.signal.aborted) {
    turn = new AbortController()
    const signal = AbortSignal.any([end.signal, turn.signal])
    // A reload changes it while the current agent runs.
    const present = served
    try {
      const host = await context.host()
      await keepOnce(host, present, signal, writerFor(host, present, context))
      former = present
    } catch (error) {
      // For example, a port that is in use. The volumes are still managed.
      if (present === former || signal.aborted) throw error
      say(notReloaded(error))
      served = former
    }
  }
}

async function keepOnce(
  host: Host,
  served: Served,
  until: AbortSignal,
  { say, write }: LogWriter,
): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([until, failed.signal])
  const { NOTIFY_SOCKET, WATCHDOG_USEC } = process.env
  const notify = (word: string) => {
    if (!NOTIFY_SOCKET) return
    void host.run('systemd-notify', [word], { deadline: 5_000, env: { NOTIFY_SOCKET } }).catch(() => {})
  }
  const { services } = await import('./serve.ts')
  const { runAgent } = await import('../../agent/agent.ts')
  let begun: Promise<void> | undefined
  await using around = await services(host, served, { signal, say })
  await runAgent(host, {
    signal,
    write,
    version: version(),
    ready: () => {
      begun = around.begin()
      begun.catch((error: unknown) => failed.abort(error))
    },
    // Units ordered after this one find their volumes mounted.
    restored: () => void begun?.then(() => notify('--ready')).catch(() => {}),
    alive: () => {
      around.alive()
      if (WATCHDOG_USEC) notify('WATCHDOG=1')
    },
  })
  await begun
}

/** In a container the log is read by a collector. */
function writerFor({ paths }: Host, { log }: Served, context: Context): LogWriter {
  const format = log.format ?? (paths.root === '/' ? 'text' : 'json')
  return logWriter({ ...log, format }, (line) => context.say(line))
}

const notReloaded = (error: unknown) => `not reloaded: ${(error as Error).message}`

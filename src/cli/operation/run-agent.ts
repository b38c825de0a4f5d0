import type { Host } from '../../host/host.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Context } from '../command.ts'
import { version } from '../version.ts'
import type { LogWriter } from './log-writer.ts'
import { logWriter } from './log-writer.ts'
import type { AgentSettings } from './agent-settings.ts'

export interface AgentServiceOptions {
  readonly context: Context
  /** The settings under the current configuration. @throws USAGE BAD_CONFIG */
  readonly readSettings: () => Promise<AgentSettings>
}

/**
 * Runs the agent and its services until SIGTERM or SIGINT. SIGHUP reloads the configuration and restarts the agent in the same
 * process, which does not affect volumes. An invalid configuration is reported, and the old one stays in effect.
 */
export async function runAgentService({ context, readSettings }: AgentServiceOptions): Promise<void> {
  const end = new AbortController()
  let reloading = new AbortController()
  let settings = await readSettings()
  let lastWorking = settings
  let undoReload = () => {}
  const say = (line: string) => context.say(line)
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => end.abort(new LunkeeperError('CANCELLED', `stopped by ${name}`)))
  const reload = async () => {
    const undo = await context.reload()
    try {
      settings = await readSettings()
    } catch (error) {
      undo()
      throw error
    }
    undoReload = undo
    reloading.abort(new LunkeeperError('CANCELLED', 'the configuration is reloaded'))
  }
  process.on('SIGHUP', () => void reload().catch((error: unknown) => say(notReloaded(error))))
  while (!end.signal.aborted) {
    reloading = new AbortController()
    const signal = AbortSignal.any([end.signal, reloading.signal])
    // SIGHUP can change `settings` while the agent runs.
    const current = settings
    try {
      const host = await context.host()
      await runOnce(host, current, signal, logWriterFor(host, current, context))
      lastWorking = current
    } catch (error) {
      // The new settings do not work, for example because a port is in use. The last ones are used again.
      if (current === lastWorking || signal.aborted) throw error
      say(notReloaded(error))
      settings = lastWorking
      undoReload()
    }
  }
}

/** Runs the agent until a signal, or until a service fails. */
async function runOnce(
  host: Host,
  settings: AgentSettings,
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
  const { openServices } = await import('./agent-services.ts')
  const { runAgent } = await import('../../agent/agent.ts')
  let begun: Promise<void> | undefined
  await using services = await openServices(host, settings, { signal, say })
  await runAgent(host, {
    signal,
    write,
    version: version(),
    ready: () => {
      begun = services.begin()
      begun.catch((error: unknown) => failed.abort(error))
    },
    // Units ordered after this one find their volumes mounted.
    restored: () => void begun?.then(() => notify('--ready')).catch(() => {}),
    alive: () => {
      services.alive()
      if (WATCHDOG_USEC) notify('WATCHDOG=1')
    },
  })
  await begun
}

/** In a container the default format is JSON, because a log collector reads the log. */
function logWriterFor({ paths }: Host, { log }: AgentSettings, context: Context): LogWriter {
  const format = log.format ?? (paths.root === '/' ? 'text' : 'json')
  return logWriter({ ...log, format }, (line) => context.say(line))
}

const notReloaded = (error: unknown) => `not reloaded: ${(error as Error).message}`

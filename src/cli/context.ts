import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

import type { Host } from '../host/host.ts'
import { isLunkeeperError, LunkeeperError } from '../model/errors.ts'
import type { Context } from './command.ts'
import { COMMANDS } from './commands.ts'
import type { Config } from './input/config-file.ts'
import type { Globals } from './input/parse.ts'
import { dieAt } from './operation/die-at.ts'
import { actorOf } from './operation/history-actor.ts'
import { observers } from './operation/observers.ts'
import { logSteps, showProgress } from './operation/progress.ts'
import { stopOnSignal } from './operation/stop.ts'
import { oneLine } from '../model/printable.ts'
import type { Terminal } from './output/terminal.ts'

/** The configuration file, unless a flag or LUNKEEPER_CONFIG names another. It may be missing. */
const CONFIG_FILE = '/etc/lunkeeper/config.yaml'

const NO_CONFIG: Config = { flags: {}, hold: {} }

/**
 * Opens the context of a command.
 * @param command name of the command, for the history
 */
export function openContext(
  globals: Globals,
  terminal: Terminal,
  command: string,
): Context & AsyncDisposable {
  let host: Host | null = null
  let loadedConfig: Config | null = null
  const config = async () => (loadedConfig ??= await configOf(globals))
  const warn = (message: string) =>
    terminal.line(`${terminal.display.paint('yellow', 'warning')}: ${oneLine(message)}`)
  return {
    commands: COMMANDS,
    json: globals.json,
    async host({ ignoresConfig = false } = {}) {
      const { openHost } = await import('../host/host.ts')
      const { flags, hold } = await config().catch((error: unknown) => {
        if (!ignoresConfig || !isLunkeeperError(error, 'BAD_CONFIG')) throw error
        warn(`${error.message}; the defaults are used`)
        return NO_CONFIG
      })
      return (host ??= openHost({
        places: placesOf(globals, flags),
        ...rootOf(globals, flags),
        hold,
        actor: actorOf(command),
      }))
    },
    config,
    async reload() {
      const former = { loadedConfig, host }
      loadedConfig = await configOf(globals)
      host = null
      return () => ({ loadedConfig, host } = former)
    },
    warn,
    say: (message) => terminal.line(oneLine(message)),
    async operate(work) {
      const { LUNKEEPER_DIE_AT } = process.env
      using progress = showProgress(terminal)
      using stop = stopOnSignal((message) => terminal.line(message))
      const observer = observers([
        stop.observer,
        progress.observer,
        { warn: (_, message) => warn(message) },
        ...(globals.verbose ? [logSteps(terminal)] : []),
        ...(LUNKEEPER_DIE_AT ? [dieAt(LUNKEEPER_DIE_AT)] : []),
      ])
      return await work({ observer, signal: stop.signal })
    },
    async [Symbol.asyncDispose]() {
      await host?.[Symbol.asyncDispose]()
    },
  }
}

/** The YAML parser is loaded only if there is a file. */
async function configOf({ config }: Globals): Promise<Config> {
  const named = config ?? (process.env['LUNKEEPER_CONFIG'] || null)
  if (named === null && !existsSync(CONFIG_FILE)) return NO_CONFIG
  const { readConfig } = await import('./input/config-file.ts')
  return readConfig(named ?? CONFIG_FILE)
}

function placesOf(globals: Globals, config: Config['flags']): { records?: string; runtime?: string } {
  const { LUNKEEPER_RECORDS, LUNKEEPER_RUNTIME } = process.env
  const records = globals.records ?? (LUNKEEPER_RECORDS || config.records)
  const runtime = globals.runtime ?? (LUNKEEPER_RUNTIME || config.runtime)
  return { ...(records ? { records } : {}), ...(runtime ? { runtime } : {}) }
}

/** @throws USAGE `root` is not the host's root directory */
function rootOf({ hostRoot }: Globals, config: Config['flags']): { hostRoot?: string } {
  const text = hostRoot ?? (process.env['LUNKEEPER_HOST_ROOT'] || config['host-root'])
  if (!text) return {}
  const root = resolve(text)
  if (root === '/') return {}
  if (existsSync(`${root}/proc/1/ns/mnt`)) return { hostRoot: root }
  throw new LunkeeperError(
    'USAGE',
    `${root} is not the host's root directory: ${root}/proc/1/ns/mnt does not exist`,
    {
      hint: "Mount the host's / there, including its submounts, into a privileged container.",
    },
  )
}

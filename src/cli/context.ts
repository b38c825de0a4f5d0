import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

import type { Host } from '../host/host.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { Context } from './command.ts'
import { COMMANDS } from './commands.ts'
import type { Config } from './input/config-file.ts'
import type { Globals } from './input/parse.ts'
import { dieAt } from './operation/die-at.ts'
import { observers } from './operation/observers.ts'
import { nameSteps, showProgress } from './operation/progress.ts'
import { stopOnSignal } from './operation/stop.ts'
import { oneLine } from './output/printable.ts'
import type { Terminal } from './output/terminal.ts'

/** Read where no other is named; a machine without it has nothing to configure. */
const CONFIG_FILE = '/etc/lunkeeper/config.yaml'

/** What commands work with, made from the flags that all of them have. */
export function openContext(globals: Globals, terminal: Terminal): Context & AsyncDisposable {
  let host: Host | null = null
  let known: Config | null = null
  const config = async () => (known ??= await configOf(globals))
  const warn = (message: string) =>
    terminal.line(`${terminal.look.paint('yellow', 'warning')}: ${oneLine(message)}`)
  return {
    commands: COMMANDS,
    async host() {
      const { openHost } = await import('../host/host.ts')
      const { flags, hold } = await config()
      return (host ??= openHost({
        places: placesOf(globals, flags),
        ...rootOf(globals, flags),
        hold,
      }))
    },
    config,
    async reload() {
      known = await configOf(globals)
      host = null
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
        ...(globals.verbose ? [nameSteps(terminal)] : []),
        ...(LUNKEEPER_DIE_AT ? [dieAt(LUNKEEPER_DIE_AT)] : []),
      ])
      return await work({ observer, signal: stop.signal })
    },
    async [Symbol.asyncDispose]() {
      await host?.[Symbol.asyncDispose]()
    },
  }
}

/** YAML is loaded only where there is some. */
async function configOf({ config }: Globals): Promise<Config> {
  const named = config ?? (process.env['LUNKEEPER_CONFIG'] || null)
  if (named === null && !existsSync(CONFIG_FILE)) return { flags: {}, hold: {} }
  const { readConfig } = await import('./input/config-file.ts')
  return readConfig(named ?? CONFIG_FILE)
}

function placesOf(globals: Globals, config: Config['flags']): { records?: string; runtime?: string } {
  const { LUNKEEPER_RECORDS, LUNKEEPER_RUNTIME } = process.env
  const records = globals.records ?? (LUNKEEPER_RECORDS || config.records)
  const runtime = globals.runtime ?? (LUNKEEPER_RUNTIME || config.runtime)
  return { ...(records ? { records } : {}), ...(runtime ? { runtime } : {}) }
}

/** @throws USAGE it is not the host's root directory */
function rootOf({ hostRoot }: Globals, config: Config['flags']): { hostRoot?: string } {
  const text = hostRoot ?? (process.env['LUNKEEPER_HOST_ROOT'] || config['host-root'])
  if (!text) return {}
  const root = resolve(text)
  if (root === '/') return {}
  if (existsSync(`${root}/proc/1/ns/mnt`)) return { hostRoot: root }
  throw new LunkeeperError(
    'USAGE',
    `${root} is not a host's root directory: there is no ${root}/proc/1/ns/mnt`,
    {
      hint: 'Mount / of the host there, with what is mounted below it, into a privileged container.',
    },
  )
}

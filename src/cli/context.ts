import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

import type { Host } from '../host/host.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { Context } from './command.ts'
import { COMMANDS } from './commands.ts'
import type { Globals } from './input/parse.ts'
import { dieAt } from './operation/die-at.ts'
import { observers } from './operation/observers.ts'
import { nameSteps, showProgress } from './operation/progress.ts'
import { stopOnSignal } from './operation/stop.ts'
import { oneLine } from './output/error.ts'
import type { Terminal } from './output/terminal.ts'

/** What commands work with, made from the flags that all of them have. */
export function openContext(globals: Globals, terminal: Terminal): Context & AsyncDisposable {
  let host: Host | null = null
  const warn = (message: string) =>
    terminal.line(`${terminal.look.paint('yellow', 'warning')}: ${oneLine(message)}`)
  return {
    commands: COMMANDS,
    async host() {
      const { openHost } = await import('../host/host.ts')
      return (host ??= openHost({ places: placesOf(globals), ...rootOf(globals) }))
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

function placesOf({ records, runtime }: Globals): { records?: string; runtime?: string } {
  const { LUNKEEPER_RECORDS, LUNKEEPER_RUNTIME } = process.env
  const chosen = { records: records ?? LUNKEEPER_RECORDS, runtime: runtime ?? LUNKEEPER_RUNTIME }
  return {
    ...(chosen.records ? { records: chosen.records } : {}),
    ...(chosen.runtime ? { runtime: chosen.runtime } : {}),
  }
}

/** @throws USAGE it is not the host's root directory */
function rootOf({ hostRoot }: Globals): { hostRoot?: string } {
  const text = hostRoot ?? process.env['LUNKEEPER_HOST_ROOT']
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

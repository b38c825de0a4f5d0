import { expect } from 'vitest'

import type { LabNode } from '../../lab/index.ts'
import type { DetachReport, VolumeStatus } from '../../src/model/attachment.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import type { HoldMode } from '../../src/model/hold.ts'

/**
 * The library in one resident process of the machine, for tests with many cases, which would otherwise spend most
 * of the time on starting a program for each.
 */
export interface Engine {
  attach(lun: number, options?: EngineOptions): Promise<VolumeStatus>
  detach(handle: string): Promise<DetachReport>
  /** Ends with the error's code instead of a result. */
  fails(what: 'attach' | 'detach', ...args: unknown[]): Promise<string>
  /** The attach fails with this code. @returns its message and hint */
  refuses(code: ErrorCode, lun: number, options?: EngineOptions): Promise<string>
  /** The warnings of the last call. */
  readonly warnings: readonly string[]
  close(): Promise<void>
}

export interface EngineOptions {
  readonly iqn: string
  readonly name?: string
  readonly mount?: string
  readonly fs?: 'ext4' | 'xfs'
  readonly format?: boolean
  readonly portals?: readonly string[]
  readonly readOnly?: boolean
  readonly options?: readonly string[]
  readonly hold?: HoldMode
}

const DEADLINE_MS = 120_000

type Answer = { readonly warnings: readonly string[] } & (
  | { readonly result: unknown }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint?: string } }
)

export async function startEngine(node: LabNode): Promise<Engine> {
  await node.write('/tmp/engine.mjs', PROGRAM)
  const program = await node.start(['node', '/tmp/engine.mjs'])
  await program.output(/ready\n/, DEADLINE_MS)
  let asked = 0
  let warnings: readonly string[] = []

  async function ask(what: string, args: readonly unknown[]): Promise<Answer> {
    const id = ++asked
    await program.write(`${JSON.stringify({ id, what, args })}\n`)
    await program.output(new RegExp(`^${id} .*\n`, 'm'), DEADLINE_MS)
    const answer = JSON.parse(new RegExp(`^${id} (.*)\n`, 'm').exec(program.stdout)![1]!) as Answer
    warnings = answer.warnings
    return answer
  }

  async function result<T>(what: string, args: readonly unknown[]): Promise<T> {
    const answer = await ask(what, args)
    if ('error' in answer) expect.unreachable(`${what}: ${answer.error.code}: ${answer.error.message}`)
    return answer.result as T
  }

  return {
    attach: (lun, options) => result('attach', [lun, options]),
    detach: (handle) => result('detach', [handle]),
    async fails(what, ...args) {
      const answer = await ask(what, args)
      return 'error' in answer ? answer.error.code : 'no error'
    },
    async refuses(code, lun, options) {
      const answer = await ask('attach', [lun, options])
      if (!('error' in answer)) return expect.unreachable(`it was attached: ${JSON.stringify(answer.result)}`)
      const { error } = answer
      expect(error.code, error.message).toBe(code)
      return `${error.message}\n${error.hint ?? ''}`
    },
    get warnings() {
      return warnings
    },
    async close() {
      await program.kill('SIGTERM')
      await program.exited
    },
  }
}

const PROGRAM = `
import { createInterface } from 'node:readline'
import { attach, detach, openHost } from '/lab/project/dist/index.js'
const host = openHost()
const verbs = {
  attach: (lun, { portals = ['127.0.0.1'], options, hold = 'auto', ...volume }, onWarning) => attach(host, {
    ...volume, portal: portals, lun, hold: 60, holdMode: hold, mountOptions: options, onWarning,
  }),
  detach: (handle) => detach(host, handle),
}
createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, what, args } = JSON.parse(line)
  const warnings = []
  const onWarning = (message) => warnings.push(message)
  try {
    console.log(id + ' ' + JSON.stringify({ warnings, result: await verbs[what](...args, onWarning) }))
  } catch (error) {
    const { code, name, message, hint } = error
    console.log(id + ' ' + JSON.stringify({ warnings, error: { code: code ?? name, message, hint } }))
  }
})
console.log('ready')
`

import { displayOf } from '../../src/cli/output/display.ts'
import type { LabNode } from '../index.ts'

const look = displayOf(process.stdout)
/** For the programs on the machines. */
const COLOURED = look.paint('bold', '') !== ''

/** Announces the next part to the audience. */
export function scene(title: string, ...words: string[]): void {
  process.stdout.write(
    `\n${look.paint('bold', title)}\n${words.map((word) => `${look.paint('dim', word)}\n`).join('')}`,
  )
}

export function say(text: string): void {
  process.stdout.write(`  ${text}\n`)
}

/** A condition that must hold; the demo ends here if it does not. */
export function seen(what: string, holds: boolean): void {
  process.stdout.write(`  ${holds ? look.paint('green', '✓') : look.paint('red', '✗')} ${what}\n`)
  if (!holds) throw new Error(`it was not so: ${what}`)
}

/** Types a command on a machine, as a user would, and shows its output. */
export async function type(node: LabNode, command: string): Promise<string> {
  process.stdout.write(`  ${look.paint('dim', `${node.name}#`)} ${look.paint('bold', command)}\n`)
  const ran = await node.run(['sh', '-c', command], {
    env: { COLUMNS: '100', ...(COLOURED ? { FORCE_COLOR: '1' } : {}) },
  })
  const said = `${ran.stdout}${ran.stderr}`.trimEnd()
  if (said !== '') process.stdout.write(`${said.replace(/^/gm, '    ')}\n`)
  if (ran.code !== 0) throw new Error(`"${command}" ended with ${ran.code}`)
  return ran.stdout
}

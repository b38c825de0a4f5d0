import type { LabNode } from '../index.ts'

const colours =
  process.env['FORCE_COLOR'] !== undefined || (process.env['NO_COLOR'] === undefined && process.stdout.isTTY)
const paint = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
const bold = paint(1)
const dim = paint(2)
const green = paint(32)
const red = paint(31)

/** Tells the audience what comes. */
export function scene(title: string, ...words: string[]): void {
  process.stdout.write(`\n${bold(title)}\n${words.map((word) => `${dim(word)}\n`).join('')}`)
}

export function say(text: string): void {
  process.stdout.write(`  ${text}\n`)
}

/** A thing that must be so; the demo ends here if it is not. */
export function seen(what: string, holds: boolean): void {
  process.stdout.write(`  ${holds ? green('✓') : red('✗')} ${what}\n`)
  if (!holds) throw new Error(`it was not so: ${what}`)
}

/** Types a command on a machine, as a person would, and shows what it prints. */
export async function type(node: LabNode, command: string): Promise<string> {
  process.stdout.write(`  ${dim(`${node.name}#`)} ${bold(command)}\n`)
  const ran = await node.run(['sh', '-c', command], {
    env: { COLUMNS: '100', ...(colours ? { FORCE_COLOR: '1' } : {}) },
  })
  const said = `${ran.stdout}${ran.stderr}`.trimEnd()
  if (said !== '') process.stdout.write(`${said.replace(/^/gm, '    ')}\n`)
  if (ran.code !== 0) throw new Error(`"${command}" ended with ${ran.code}`)
  return ran.stdout
}

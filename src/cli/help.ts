import type { AnyCommand } from './command.ts'
export function helpText(commands: readonly AnyCommand[], _topic: string | null): string {
  return commands.map(({ name, summary }) => `${name}  ${summary}\n`).join('')
}

import { LunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export const completionCommand = command({
  name: 'completion',
  group: 'shell',
  summary: 'Print a shell completion script',
  about:
    'Prints a completion script for the shell. It completes commands, flags, their values, files and volume names, without starting a program.',
  usage: [SHELLS.join('|')],
  argument: { name: SHELLS.join('|'), required: true, choices: SHELLS },
  anywhere: true,
  options: [],
  examples: [
    { command: 'source <(lunkeeper completion bash)', does: 'in this shell; zsh works the same way' },
    {
      command: 'lunkeeper completion bash > /etc/bash_completion.d/lunkeeper',
      does: 'for every new shell',
    },
    { command: 'lunkeeper completion fish | source', does: 'in fish' },
  ],
  async run({ commands }, { argument }): Promise<{ shell: string; script: string }> {
    const shell = SHELLS.find((name) => name === argument)
    if (!shell)
      throw new LunkeeperError('USAGE', `"${argument}" is not a supported shell`, {
        hint: `Supported: ${SHELLS.join(', ')}.`,
      })
    const { commandLinesOf } = await import('../completion/command-line.ts')
    const { bashCompletion } = await import('../completion/bash.ts')
    const { fishCompletion } = await import('../completion/fish.ts')
    const { zshCompletion } = await import('../completion/zsh.ts')
    const render = { bash: bashCompletion, fish: fishCompletion, zsh: zshCompletion }[shell]
    return { shell, script: render(commandLinesOf(commands)) }
  },
  isDocument: true,
  text: ({ script }) => script,
})

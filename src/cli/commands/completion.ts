import { command } from '../command.ts'

export const completionCommand = command({
  name: 'completion',
  group: 'shell',
  summary: 'Print what makes a shell complete lunkeeper',
  about:
    'Prints a script for the shell. It completes commands, flags, their values and the names of volumes.',
  argument: { name: 'bash|zsh|fish', required: true, choices: ['bash', 'zsh', 'fish'] },
  options: [],
  examples: [{ command: 'source <(lunkeeper completion bash)', does: 'in this shell' }],
  run(_, { argument }): { shell: string; script: string } {
    return { shell: argument!, script: '' }
  },
  text: ({ script }) => script,
})

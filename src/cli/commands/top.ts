import { command } from '../command.ts'
import type { TopState } from '../output/top.ts'
import { topText } from '../output/top.ts'

export const topCommand = command({
  name: 'top',
  group: 'look',
  summary: 'Watch the volumes of this node live',
  about:
    'Shows all volumes, those that fail or are held first, with the time until held I/O fails, the data that is not on the target yet, the paths, and where the volume is mounted. The screen changes when a volume does, and once a second while I/O is held. q or Ctrl-C leaves it. If standard output is not a terminal, it prints one look. With --json it prints a line of JSON now and after each change, with the fields now and volumes, until it is stopped. Changes nothing.',
  usage: [''],
  options: [],
  isLive: true,
  examples: [
    { command: 'lunkeeper top', does: 'until q is pressed' },
    {
      command: `lunkeeper top --json | jq -c '.volumes[] | select(.state != "ready") | [.name, .state]'`,
      does: 'each change, for a script',
    },
  ],
  async run(context): Promise<TopState | null> {
    const { lookOnce, watchAsJson, watchOnScreen } = await import('../operation/watch.ts')
    const host = await context.host()
    if (context.json) {
      await watchAsJson(host)
      return null
    }
    if (process.stdout.isTTY && process.env.TERM !== 'dumb') {
      await watchOnScreen(host)
      return null
    }
    context.warn('standard output is not a terminal: this is one look (--json prints every change)')
    return lookOnce(host)
  },
  text: (state, look) => (state === null ? '' : topText(state, look)),
})

import { command } from '../command.ts'
import type { TopState } from '../output/top.ts'
import { topText } from '../output/top.ts'

export const topCommand = command({
  name: 'top',
  group: 'read',
  summary: 'Watch the volumes of this node live',
  about:
    'Shows all volumes, failed and held ones first, with the time until held I/O fails, the data that is not on the target yet, the paths, and the mount points. The screen is updated when a volume changes, and every second while I/O is held. Press q or Ctrl-C to leave. If standard output is not a terminal, the current state is printed once. With --json, a line of JSON with the fields now and volumes is printed at the start and after each change, until the command is stopped. Changes nothing.',
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
    const { readOnce, watchAsJson, watchOnScreen } = await import('../operation/watch.ts')
    const host = await context.host()
    if (context.json) {
      await watchAsJson(host)
      return null
    }
    if (process.stdout.isTTY && process.env.TERM !== 'dumb') {
      await watchOnScreen(host)
      return null
    }
    context.warn(
      'standard output is not a terminal: printing the current state once (--json prints every change)',
    )
    return readOnce(host)
  },
  text: (state, display) => (state === null ? '' : topText(state, display)),
})

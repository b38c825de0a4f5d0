import { setPriority } from 'node:os'

import { LunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'
import { AGENT_OPTIONS } from '../input/agent-options.ts'

const PRIORITY = -10

export const agentCommand = command({
  name: 'agent',
  group: 'change',
  summary: 'Keep the volumes of this node: run as a service',
  about:
    'Runs until it is told to stop. With it, volumes are put on hold maps: I/O waits while the target is away, and goes on when it is back, at the same address or another, once it has proven to be the right volume. It attaches again after a reboot what was attached. Stopped or killed, it touches no volume; started again, it goes on from what is there. Its flags can also stand in the configuration, as fields.',
  usage: [''],
  options: AGENT_OPTIONS,
  examples: [
    { command: 'lunkeeper agent', does: 'as deploy/lunkeeper.service starts it' },
    {
      command: 'lunkeeper agent --csi-endpoint unix:///var/lib/kubelet/plugins/iscsi.csi.lunkeeper/csi.sock',
      does: 'on a node of Kubernetes',
    },
  ],
  async run(context, { options }): Promise<null> {
    if (process.getuid?.() !== 0) throw new LunkeeperError('NO_PERMISSION', 'keeping volumes needs root')
    // When a target is back, udev is busy with every disk of it; I/O that waits comes first.
    setPriority(PRIORITY)
    const { services, servedOf } = await import('../operation/serve.ts')
    const served = await servedOf({ ...(await context.config()).flags, ...options })
    const { runAgent } = await import('../../agent/agent.ts')
    const host = await context.host()
    const stop = new AbortController()
    let begun: Promise<void> | undefined
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.on(name, () => stop.abort(new LunkeeperError('CANCELLED', `stopped by ${name}`)))
    const { NOTIFY_SOCKET, WATCHDOG_USEC } = process.env
    const notify = (word: string) => {
      if (!NOTIFY_SOCKET) return
      void host.run('systemd-notify', [word], { deadline: 5_000, env: { NOTIFY_SOCKET } }).catch(() => {})
    }
    const say = (line: string) => context.say(line)
    await using around = await services(host, served, { signal: stop.signal, say })
    await runAgent(host, {
      signal: stop.signal,
      write: say,
      ready: () => {
        begun = around.begin()
        begun.catch((error: unknown) => stop.abort(error))
      },
      // What is ordered after the unit finds its volumes mounted.
      restored: () => void begun?.then(() => notify('--ready')).catch(() => {}),
      alive: () => {
        around.alive()
        if (WATCHDOG_USEC) notify('WATCHDOG=1')
      },
    })
    await begun
    return null
  },
  text: () => '',
})

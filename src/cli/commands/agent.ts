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
    'Runs until it is told to stop. With it, volumes are put on hold maps: I/O waits while the target is away, and goes on when it is back, at the same address or another, once it has proven to be the right volume. It attaches again after a reboot what was attached. Stopped or killed, it touches no volume; started again, it goes on from what is there. Its flags can also stand in the configuration, as fields; SIGHUP has it read that anew.',
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
    goFirst()
    const { servedOf } = await import('../operation/serve.ts')
    const { keep } = await import('../operation/keep.ts')
    await keep({ context, asked: async () => servedOf({ ...(await context.config()).flags, ...options }) })
    return null
  },
  text: () => '',
})

/** When a target is back, udev is busy with every disk of it; I/O that waits comes first, as for iscsid. */
function goFirst(): void {
  try {
    setPriority(PRIORITY)
  } catch {
    // Without CAP_SYS_NICE it takes its turn.
  }
}

import { setPriority } from 'node:os'

import { requireRoot } from '../../host/root.ts'
import { command } from '../command.ts'
import { AGENT_OPTIONS } from '../input/agent-options.ts'

/** Nice value of the agent. */
const PRIORITY = -10

export const agentCommand = command({
  name: 'agent',
  group: 'change',
  summary: 'Manage the volumes of this node; run it as a service',
  about:
    'Runs until it is stopped. While it runs, volumes are attached on hold maps: during an outage I/O is held. It resumes when the target returns, at the same or another address, and the agent has verified that the right volume answers. After a reboot the agent reattaches the volumes. Stopping or killing it leaves volumes attached and mounted, and a new agent continues from the current state. An agent that is stopped also sets the recovery timers of the sessions to the hold, so that volumes survive a short outage without an agent. Its flags can also be set as fields in the configuration file; SIGHUP reloads that file.',
  usage: [''],
  options: AGENT_OPTIONS,
  examples: [
    { command: 'lunkeeper agent', does: 'as started by deploy/lunkeeper.service' },
    {
      command: 'lunkeeper agent --csi-endpoint unix:///var/lib/kubelet/plugins/iscsi.csi.lunkeeper/csi.sock',
      does: 'on a Kubernetes node',
    },
  ],
  async run(context, { options }): Promise<null> {
    requireRoot('the agent')
    raisePriority()
    const { agentSettings } = await import('../operation/agent-settings.ts')
    const { runAgentService } = await import('../operation/run-agent.ts')
    await runAgentService({
      context,
      readSettings: async () => agentSettings({ ...(await context.config()).flags, ...options }),
    })
    return null
  },
  text: () => '',
})

/**
 * When a target returns, udev handles events of every disk. Resuming I/O has priority over that; iscsid does the same.
 */
function raisePriority(): void {
  try {
    setPriority(PRIORITY)
  } catch {
    // Without CAP_SYS_NICE the default priority is kept.
  }
}

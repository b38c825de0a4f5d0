import type { SessionStatus } from '../../model/attachment.ts'
import { command } from '../command.ts'
import { sessionsText } from '../output/sessions.ts'

export const sessionsCommand = command({
  name: 'sessions',
  group: 'look',
  summary: 'Show the iSCSI sessions of this node and whose each disk is',
  about:
    'Shows all sessions, also those that others logged in, with all their disks. A disk belongs to a volume, or to somebody else who uses it (foreign), or to nobody (phantom). Changes nothing.',
  usage: [''],
  options: [],
  examples: [
    { command: 'lunkeeper sessions', does: 'as text' },
    {
      command: `lunkeeper sessions --json | jq '.[].disks[] | select(.owner == "phantom")'`,
      does: 'phantoms',
    },
  ],
  async run(context): Promise<readonly SessionStatus[]> {
    const { listSessions } = await import('../../state/view/sessions.ts')
    return listSessions(await context.host())
  },
  text: sessionsText,
})

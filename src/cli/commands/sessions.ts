import type { SessionStatus } from '../../model/attachment.ts'
import { command } from '../command.ts'
import { sessionsText } from '../output/sessions.ts'

export const sessionsCommand = command({
  name: 'sessions',
  group: 'read',
  summary: 'Show the iSCSI sessions and the owner of each disk',
  about:
    'Shows all sessions with all their disks, including sessions that other programs logged in. A disk belongs to a volume, is used by other software (foreign), or has no owner (phantom). Changes nothing.',
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

import type { VolumeCheck } from '../check.ts'

export const sessionDown: VolumeCheck = {
  name: 'the sessions',
  volume(_, { record, status: { name, hold, paths } }) {
    if (hold.mode !== 'session' || record.phase !== 'ready') return []
    return paths
      .filter(({ sessionState }) => sessionState !== 'LOGGED_IN')
      .map(({ portal, session, sessionState, recoveryTmo, disk, diskState }) => ({
        code: 'SESSION_DOWN' as const,
        // FAILED: the recovery timer is running. FREE: it has expired.
        severity: sessionState === 'FAILED' ? ('warning' as const) : ('critical' as const),
        subject: name,
        message:
          session === null
            ? `there is no session to ${portal}`
            : `session ${session} to ${portal} is ${sessionState}, recovery timer ${recoveryTmo}; ${disk ?? 'no disk'} ${diskState ?? ''}`.trim(),
        evidence: { session, portal, state: sessionState, recoveryTmo, disk, diskState },
        fix:
          session === null
            ? 'Run the same attach again.'
            : `Bring ${portal} back: iscsid then logs in again automatically.`,
      }))
  },
}

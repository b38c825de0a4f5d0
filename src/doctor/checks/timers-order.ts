import { readCommandTimer, readPingTimers } from '../../host/read/timers.ts'
import type { Hold, HoldMode } from '../../model/hold.ts'
import { lookAtAttachment } from '../../state/view/volume.ts'
import type { VolumeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

/** Seconds. Null if the kernel does not report the timer. */
export interface SessionTimers {
  readonly session: number
  readonly interval: number | null
  readonly timeout: number | null
  /** Until the kernel aborts a command. */
  readonly command: number | null
}

/** open-iscsi's default (usr/iscsi_settings.h), if iscsid.conf does not set it. */
const LOGIN_TIMEOUT_S = 15

export const timersOrder: VolumeCheck = {
  name: 'the timers',
  volume({ host, facts: { site } }, { record, status }) {
    if (record.phase !== 'ready') return []
    const timers = lookAtAttachment(host, record).sessions.flatMap(({ session: { sid }, disk }) =>
      disk
        ? [
            {
              session: sid,
              ...readPingTimers(host.paths, sid),
              command: readCommandTimer(host.paths, disk),
            },
          ]
        : [],
    )
    const set = Number(site.get('node.conn[0].timeo.login_timeout'))
    const login = Number.isInteger(set) && set > 0 ? set : LOGIN_TIMEOUT_S
    return judgeTimers(record.name, timers, { mode: status.hold.mode, wanted: status.hold.wanted, login })
  },
}

/**
 * The ping (interval and timeout) must notice a loss before commands time out: otherwise the kernel's error
 * handling starts, which aborts and resets, and may take a disk offline. If the session holds I/O, its hold must
 * last for at least one login.
 * login at least.
 */
export function judgeTimers(
  volume: string,
  timers: readonly SessionTimers[],
  { mode, wanted, login }: { readonly mode: HoldMode; readonly wanted: Hold; readonly login: number },
): Finding[] {
  const wrong = timers.flatMap(({ session, interval, timeout, command }): string[] => {
    if (interval === null || timeout === null || command === null) return []
    if (interval === 0 && timeout === 0)
      return [
        `session ${session} does not ping its target: a silent loss is noticed by commands only, after ${command} s`,
      ]
    if (interval + timeout < command) return []
    return [
      `session ${session} notices a silent loss after ${interval} + ${timeout} s, its commands time out after ${command} s`,
    ]
  })
  const isShort = mode === 'session' && wanted !== 'forever' && wanted > 0 && wanted < login
  const evidence = { sessions: timers, wanted, login }
  return [
    ...(wrong.length === 0
      ? []
      : [
          {
            code: 'TIMERS_ORDER' as const,
            severity: 'warning' as const,
            subject: volume,
            message: `${wrong.join('; ')}. The kernel's error handling starts before the loss is known`,
            evidence,
            fix: 'Set node.conn[0].timeo.noop_out_interval and noop_out_timeout to 5 in iscsid.conf and in the node record; they take effect at the next login. Or raise /sys/block/DISK/device/timeout.',
          },
        ]),
    ...(isShort
      ? [
          {
            code: 'TIMERS_ORDER' as const,
            severity: 'info' as const,
            subject: volume,
            message: `its hold of ${wanted} s ends before one login attempt does (login_timeout ${login} s)`,
            evidence,
            fix: `lunkeeper hold ${volume} --set ${login * 2}s`,
          },
        ]
      : []),
  ]
}

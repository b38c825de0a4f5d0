import type { PathStatus } from '../../model/attachment.ts'
import { isPathUp } from '../../model/attachment.ts'
import type { VolumeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

export const onePortal: VolumeCheck = {
  name: 'the portals',
  volume: (_, { record, status: { name, state, paths } }) =>
    record.phase === 'ready' && state === 'ready' ? judgePortals(name, paths) : [],
}

/** A volume that was given several portals, but that one more failure would cut off. */
export function judgePortals(volume: string, paths: readonly PathStatus[]): Finding[] {
  const all = new Set(paths.map(({ portal }) => portal))
  if (all.size < 2) return []
  const up = paths.filter(isPathUp)
  const evidence = {
    paths: paths.map(({ portal, sessionState, diskState }) => ({ portal, sessionState, diskState })),
  }
  const [only] = new Set(up.map(({ portal }) => portal))
  if (only !== undefined && up.every(({ portal }) => portal === only)) {
    const down = [...all].filter((portal) => portal !== only)
    return [
      {
        code: 'ONE_PORTAL',
        severity: 'warning',
        subject: volume,
        message: `all I/O goes through ${only}; down: ${down.join(', ')}. If it fails too, I/O is held`,
        evidence,
        fix: `Bring ${down.join(', ')} back. The path is used again automatically.`,
      },
    ]
  }
  const hosts = new Set([...all].map(hostOf))
  if (hosts.size > 1) return []
  return [
    {
      code: 'ONE_PORTAL',
      severity: 'info',
      subject: volume,
      message: `its portals differ by their port only: ${[...all].join(', ')}. They share one address, which is a single point of failure`,
      evidence,
      fix: 'Attach it with portals on different networks.',
    },
  ]
}

/** `10.0.0.5:3260` and `[::1]:3260` */
const hostOf = (portal: string) => portal.slice(0, portal.lastIndexOf(':'))

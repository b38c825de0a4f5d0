import type { Host } from '../../host/host.ts'
import { withLock } from '../../host/lock/lock.ts'
import { logout } from '../../host/iscsi/logout.ts'
import { readHoldMaps } from '../../host/map/hold-map.ts'
import { readSessions } from '../../host/read/sessions.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { DmMap, Session } from '../../model/snapshot.ts'
import { targetLock } from '../../state/records/locks.ts'
import type { Stepper } from '../step.ts'
import { isOnlyBeneath } from './recovery-timers.ts'

export interface BlockedWork {
  readonly host: Host
  readonly iqn: Iqn
  readonly steps: Stepper
  readonly signal?: AbortSignal | undefined
}

/**
 * Logs out lost sessions that hold I/O of the map. The map queues that I/O again, and another path can carry it. Where no
 * agent runs, a session holds I/O for as long as its timer says; until then the kernel cannot replace the map's table, and
 * a sync waits. Sessions that other volumes use are left alone. The target's lock is held.
 * @throws LEFT_BEHIND TIMEOUT CANCELLED
 */
export async function endBlockedSessions(
  { host, iqn, steps, signal }: BlockedWork,
  map: DmMap,
): Promise<void> {
  const blocked = blockedSessions(host, iqn, map)
  if (blocked.length === 0) return
  // A map that does not queue would fail the I/O.
  if ((await readHoldMaps(host)).get(map.name)?.queueing !== true) return
  for (const { sid } of blocked) await steps.step('logout', `session ${sid}`, () => logout(host, sid, signal))
}

/**
 * As {@link endBlockedSessions}, for a caller that does not hold the target's lock. The lock is taken only if there is
 * such a session. @param act what the lock is taken for @throws as endBlockedSessions · LOCKED
 */
export async function lockAndEndBlockedSessions(work: BlockedWork, map: DmMap, act: string): Promise<void> {
  const { host, iqn, signal } = work
  if (blockedSessions(host, iqn, map).length === 0) return
  await withLock(...targetLock(host, { iqn }, act, signal), () => endBlockedSessions(work, map))
}

function blockedSessions(host: Host, iqn: Iqn, map: DmMap): Session[] {
  return readSessions(host.paths, iqn).filter((session) => blocks(host, session, map))
}

/** While the session is in this state its timer runs. A timer of 0 fails I/O at once. */
function blocks(host: Host, session: Session, map: DmMap): boolean {
  return session.state === 'FAILED' && session.recoveryTmo !== 0 && isOnlyBeneath(host, session, map.name)
}

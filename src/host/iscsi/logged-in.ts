import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { samePortal } from '../../model/portal.ts'
import type { Host } from '../host.ts'
import { readSessions } from '../read/sessions.ts'

/** How often the session is looked for while iscsiadm works; a login takes a tenth of this. */
const PULSE = 500
/** iscsid answers iscsiadm within milliseconds of the session becoming active. */
const OVERDUE = 2_000

/**
 * Detects a successful login that iscsid does not report: open-iscsi 2.1.10 never answers iscsiadm if node.session.scan
 * is manual (fixed in 2.1.11), nor does an iscsid that dies at that moment.
 * @returns a signal that is aborted once the session has been up for a while, and a function that stops looking
 */
export function whenLoggedIn(host: Host, iqn: Iqn, portal: Portal): { signal: AbortSignal; stop(): void } {
  const overdue = new AbortController()
  let since: number | null = null
  const timer = setInterval(() => {
    const up = readSessions(host.paths, iqn).some(
      (session) =>
        session.state === 'LOGGED_IN' && session.portal !== null && samePortal(session.portal, portal),
    )
    since = up ? (since ?? performance.now()) : null
    if (since !== null && performance.now() - since >= OVERDUE) overdue.abort()
  }, PULSE)
  return { signal: overdue.signal, stop: () => clearInterval(timer) }
}

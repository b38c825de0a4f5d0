import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { samePortal } from '../../model/portal.ts'
import type { Host } from '../host.ts'
import { readSessions } from '../read/sessions.ts'

/** How often the kernel is asked for the session while iscsiadm runs; a login takes a tenth of this. */
const POLL_INTERVAL_MS = 500
/** iscsid answers iscsiadm within milliseconds after the session is logged in. */
const ANSWER_DEADLINE_MS = 2_000

/**
 * Detects a successful login that iscsid does not report. With node.session.scan set to manual, iscsid 2.1.10 never
 * answers iscsiadm (fixed in 2.1.11); nor does an iscsid that dies at that moment.
 * @returns a signal that is aborted when the session has been logged in for 2 s, and a function that ends the polling
 */
export function whenLoggedIn(host: Host, iqn: Iqn, portal: Portal): { signal: AbortSignal; stop(): void } {
  const overdue = new AbortController()
  let since: number | null = null
  const timer = setInterval(() => {
    since = isUp(host, iqn, portal) ? (since ?? performance.now()) : null
    if (since !== null && performance.now() - since >= ANSWER_DEADLINE_MS) overdue.abort()
  }, POLL_INTERVAL_MS)
  return { signal: overdue.signal, stop: () => clearInterval(timer) }
}

function isUp(host: Host, iqn: Iqn, portal: Portal): boolean {
  try {
    return readSessions(host.paths, iqn).some(
      (session) =>
        session.state === 'LOGGED_IN' && session.portal !== null && samePortal(session.portal, portal),
    )
  } catch {
    // This process has no file descriptors left at the moment: thrown in a timer, the error would end it.
    return false
  }
}

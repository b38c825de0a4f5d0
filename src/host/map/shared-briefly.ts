import type { Host } from '../host.ts'

/** How long an answer is recent enough to be displayed, or to show that an outage has begun. */
const RECENT_MS = 500

/** Callers that ask within half a second share one answer: one program for a listing of many volumes. */
export function sharedBriefly<T>(ask: (host: Host) => Promise<T>): (host: Host) => Promise<T> {
  const recent = new WeakMap<Host, { readonly at: number; readonly answer: Promise<T> }>()
  return (host) => {
    const known = recent.get(host)
    if (known && performance.now() - known.at < RECENT_MS) return known.answer
    const answer = ask(host)
    recent.set(host, { at: performance.now(), answer })
    return answer
  }
}

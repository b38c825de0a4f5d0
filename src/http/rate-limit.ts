/** A browser needs three files and one stream for the page; a script asks for one document at a time. */
const REQUESTS_PER_SECOND = 20
const BURST_REQUESTS = 60
/** Client addresses that are remembered. */
const MAX_ADDRESSES = 1_024

interface Bucket {
  left: number
  atMs: number
}

/**
 * Limits the requests of one client address, because each takes a fraction of a millisecond of the agent's event loop.
 * @returns a function that reports whether a request from this address may be answered now
 */
export function openRateLimit(now: () => number = () => performance.now()): (address: string) => boolean {
  const buckets = new Map<string, Bucket>()
  return (address) => {
    const atMs = now()
    const known = buckets.get(address) ?? { left: BURST_REQUESTS, atMs }
    const left = Math.min(BURST_REQUESTS, known.left + ((atMs - known.atMs) / 1000) * REQUESTS_PER_SECOND)
    // The oldest address is forgotten first.
    buckets.delete(address)
    if (buckets.size >= MAX_ADDRESSES) buckets.delete(buckets.keys().next().value!)
    buckets.set(address, { left: Math.max(0, left - 1), atMs })
    return left >= 1
  }
}

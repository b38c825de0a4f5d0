/** A page asks for three files and one stream; a script for one document at a time. */
const PER_SECOND = 20
const BURST = 60
/** Addresses that are remembered. */
const ADDRESSES = 1_024

interface Bucket {
  left: number
  atMs: number
}

/**
 * Limits how often one address is answered: each request takes a fraction of a millisecond of the agent's loop.
 * @returns whether a request from this address may be answered now
 */
export function pace(now: () => number = () => performance.now()): (address: string) => boolean {
  const buckets = new Map<string, Bucket>()
  return (address) => {
    const atMs = now()
    const known = buckets.get(address) ?? { left: BURST, atMs }
    const left = Math.min(BURST, known.left + ((atMs - known.atMs) / 1000) * PER_SECOND)
    // The oldest address is forgotten first.
    buckets.delete(address)
    if (buckets.size >= ADDRESSES) buckets.delete(buckets.keys().next().value!)
    buckets.set(address, { left: Math.max(0, left - 1), atMs })
    return left >= 1
  }
}

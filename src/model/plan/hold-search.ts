import type { Hold } from '../hold.ts'

/**
 * The agent does not search for another address before this: a target that was away for less is most likely back at
 * its old one.
 */
export const DISCOVERY_AFTER_MS = 3_000
/** Between two searches for another address of one target. */
export const DISCOVERY_INTERVAL_MS = 3_000
/** Head start of the old address: a target that returns appears at all of its addresses at once. */
export const OLD_ADDRESS_FIRST_MS = 1_500
/** How many addresses are asked at the same time, and how many of the addresses that one answer lists are asked. */
export const MAX_CONCURRENT_ADDRESSES = 16
export const MAX_ADDRESSES_NAMED = 1024

/** How long a target's list of LUNs is valid: a hundred volumes that search at once read it once. */
export const LUN_LIST_LIFETIME_MS = 1_000

/** Between the starts of two probes of a portal whose target does not accept logins. */
const PROBE_INTERVAL_MS = 150
/** A portal that answers slowly is probed less often: probes take at most a fifth of the time. */
const PROBE_MIN_DURATION_RATIO = 5
/** With many portals, each is probed less often: a probe costs a connection and a message. */
const PROBE_INTERVAL_EACH_MS = 4
/** Between two probes of a portal that accepts logins, while a volume still waits for it. */
const OPEN_PROBE_INTERVAL_MS = 500
/**
 * How many probes of one portal may be unanswered. The agent does not wait for a probe whose packets are dropped:
 * TCP itself retransmits only after 1 s, 3 s, 7 s (RFC 6298), and the next probe may be answered at once.
 */
export const MAX_PENDING_PROBES = 8

/**
 * When the next probe of a portal begins.
 * @param options.portals how many portals are probed now
 * @param options.tookMs how long the last answer took; 0 if there was no answer: a silent target costs nothing
 */
export function nextProbeMs(
  startedMs: number,
  {
    isOpen,
    portals,
    tookMs,
  }: { readonly isOpen: boolean; readonly portals: number; readonly tookMs: number },
): number {
  const interval = isOpen ? OPEN_PROBE_INTERVAL_MS : PROBE_INTERVAL_MS
  return startedMs + Math.max(interval, PROBE_INTERVAL_EACH_MS * portals, PROBE_MIN_DURATION_RATIO * tookMs)
}

/**
 * Whether two deadlines are the same to multipathd, which counts in checks that are 5 s apart (multipath.conf(5):
 * polling_interval).
 */
export function isSameDeadline(one: string | null | undefined, other: string | null): boolean {
  if (other === null) return one === null
  return Math.abs(Date.parse(other) - Date.parse(one ?? '')) < SAME_DEADLINE_MS
}
const SAME_DEADLINE_MS = 5_000

/** How long I/O is held, counted from now: by the session's timer while it runs, then by multipathd. */
export function heldFor(recovery: Hold, multipathd: Hold): Hold {
  return recovery === 'forever' || multipathd === 'forever' ? 'forever' : recovery + multipathd
}

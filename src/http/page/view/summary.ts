import type { Finding } from '../../../doctor/finding.ts'
import type { VolumeStatus } from '../../../model/attachment.ts'
import { limitText } from '../../../model/hold-text.ts'
import type { Model } from '../model.ts'
import type { Tone } from './tone.ts'
import { count } from '../../../model/count.ts'
import { STATE_TONE } from './tone.ts'

/** The state of the node in one sentence, and the holds that end next. */
export interface Summary {
  readonly tone: Tone
  readonly headline: string
  /** The held volumes, in the order in which their I/O will fail. */
  readonly next: readonly Next[]
}

/** A held volume. */
export interface Next {
  readonly volume: string
  /** When its held I/O fails, ISO 8601; null if no deadline is known. */
  readonly deadline: string | null
  /** How long its I/O is held, in words, if no deadline is known. */
  readonly limit: string
}

/** Summarizes the node: the most severe problem first. */
export function summaryOf({ node, volumes, findings }: Model): Summary {
  if (volumes === null) return { tone: 'idle', headline: 'Reading the node …', next: [] }
  const next = nextOf(volumes)
  if (node && node.problem !== null)
    return { tone: 'bad', headline: `The agent has a problem: ${node.problem}`, next }
  const bad = volumes.filter(({ state }) => STATE_TONE[state] === 'bad')
  const held = volumes.filter(({ state }) => state === 'holding')
  if (bad.length > 0 || held.length > 0)
    return { tone: bad.length > 0 ? 'bad' : 'wait', headline: headline(bad, held), next }
  const critical = withSeverity(findings, 'critical')
  if (critical > 0) return { tone: 'bad', headline: count(critical, 'critical finding'), next }
  const warnings = withSeverity(findings, 'warning')
  const all = readyWords(volumes)
  if (warnings > 0) return { tone: 'wait', headline: `${all}, with ${count(warnings, 'warning')}`, next }
  return { tone: volumes.length === 0 ? 'idle' : 'good', headline: all, next }
}

function headline(bad: readonly VolumeStatus[], held: readonly VolumeStatus[]): string {
  const failed = bad.length === 0 ? '' : `I/O of ${named(bad)} fails`
  const waits = held.length === 0 ? '' : `I/O of ${named(held)} is held`
  return failed && waits ? `${failed}; ${waits}` : failed || waits
}

function named(volumes: readonly VolumeStatus[]): string {
  return volumes.length === 1 ? volumes[0]!.name : count(volumes.length, 'volume')
}

function readyWords(volumes: readonly VolumeStatus[]): string {
  if (volumes.length === 0) return 'No volumes on this node'
  const ready = volumes.filter(({ state }) => state === 'ready').length
  if (ready < volumes.length) return `${ready} of ${count(volumes.length, 'volume')} ready`
  return volumes.length === 1 ? `${volumes[0]!.name} is ready` : `All ${volumes.length} volumes are ready`
}

function withSeverity(findings: readonly Finding[] | null, wanted: Finding['severity']): number {
  return findings?.filter(({ severity }) => severity === wanted).length ?? 0
}

function nextOf(volumes: readonly VolumeStatus[]): Next[] {
  return volumes
    .filter(({ state }) => state === 'holding')
    .map(({ name, hold }) => ({ volume: name, deadline: hold.deadline, limit: limitText(hold.effective) }))
    .toSorted((a, b) => at(a) - at(b))
}

function at({ deadline }: Next): number {
  return deadline === null ? Number.POSITIVE_INFINITY : Date.parse(deadline)
}

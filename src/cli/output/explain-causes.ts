import type { Cause } from '../../explain/report.ts'
import { oneLine } from '../../model/printable.ts'
import { count } from '../../model/count.ts'
import { heaviest } from '../../model/heaviest.ts'
import { whereText, time } from './explain-format.ts'
import { labelledValues } from './labelled-values.ts'
import type { Display } from './display.ts'

/** At most this many causes are printed: a cluster's log shows the same problem on many volumes. */
const MAX_CAUSES = 20

/** Each cause with the damage and a remedy. Empty if there are none. @param several several logs were read */
export function causesText(causes: readonly Cause[], several: boolean, display: Display): string {
  const shown = heaviest(causes, MAX_CAUSES, weightOf)
  const left = causes.length - shown.length
  return [
    ...shown.map((cause) => causeText(cause, several, display)),
    ...(left === 0 ? [] : [`and ${count(left, 'further cause')}; --json has all\n`]),
  ].join('\n')
}

/** Harmful causes first, then the most frequent ones. */
function weightOf({ fileSystems, ioErrors, count: messages }: Cause): number {
  return (fileSystems.length > 0 ? 2e9 : 0) + (ioErrors > 0 ? 1e9 : 0) + messages
}

function causeText(cause: Cause, several: boolean, display: Display): string {
  const { kind, subject, what, advice, ioErrors, fileSystems, firstAt, detail } = cause
  const day = firstAt?.slice(0, 10) ?? null
  const failures = fileSystems.map(({ device, type, what: fate, at, uptime }) => [
    'broken',
    display.paint(
      'red',
      `${type} on ${oneLine(device)}: ${[fate, time(at, uptime, day)].filter(Boolean).join(' ')}`,
    ),
  ])
  const known: (readonly [string, string])[] = [
    ['what', what],
    ['seen', seen(cause, day)],
    ...(ioErrors === 0 ? [] : [['failed', display.paint('red', count(ioErrors, 'I/O error'))] as const]),
    ...failures.map(([name, text], index) => [index === 0 ? name! : '', text!] as const),
    ...(detail === null ? [] : [['log', oneLine(detail)] as const]),
    ['remedy', display.paint('yellow', advice)],
  ]
  return `${display.paint('bold', `${kind}: ${oneLine(subject)}`)}${oneLine(whereText(cause, several))}\n${labelledValues(known, display)}`
}

function seen(
  { firstAt, firstUptime, lastAt, lastUptime, count: messages }: Cause,
  day: string | null,
): string {
  const first = time(firstAt, firstUptime, null)
  const last = time(lastAt, lastUptime, day)
  const times = count(messages, 'time')
  if (first === null) return times
  return messages === 1 || last === null || lastAt === firstAt
    ? `${first}, ${times}`
    : `${first} to ${last}, ${times}`
}

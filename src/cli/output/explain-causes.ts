import type { Cause } from '../../explain/report.ts'
import { oneLine } from '../../model/printable.ts'
import { count, time } from './explain-words.ts'
import { facts } from './facts.ts'
import type { Look } from './look.ts'

/** A cluster's log shows the same trouble on many volumes; the harmful and the most frequent ones are enough. */
const SHOWN = 20

/** Each cause with what it broke and what would have helped. Empty if there is none. */
export function causesText(causes: readonly Cause[], look: Look): string {
  const shown = causes.length <= SHOWN ? causes : worst(causes)
  const left = causes.length - shown.length
  return [
    ...shown.map((cause) => causeText(cause, look)),
    ...(left === 0 ? [] : [`and ${count(left, 'further cause')}; --json has all\n`]),
  ].join('\n')
}

function worst(causes: readonly Cause[]): readonly Cause[] {
  const weight = ({ fileSystems, ioErrors, count: messages }: Cause) =>
    (fileSystems.length > 0 ? 2e9 : 0) + (ioErrors > 0 ? 1e9 : 0) + messages
  const kept = new Set(causes.toSorted((a, b) => weight(b) - weight(a)).slice(0, SHOWN))
  return causes.filter((cause) => kept.has(cause))
}

function causeText(cause: Cause, look: Look): string {
  const { kind, subject, host, boot, what, advice, ioErrors, fileSystems, firstAt, detail } = cause
  const place = `${host === null ? '' : ` on ${host}`}${boot === 0 ? '' : `, after reboot ${boot}`}`
  const day = firstAt?.slice(0, 10) ?? null
  const broken = fileSystems.map(({ device, type, what: fate, at, uptime }) => [
    'broken',
    look.paint(
      'red',
      `${type} on ${oneLine(device)}: ${[fate, time(at, uptime, day)].filter(Boolean).join(' ')}`,
    ),
  ])
  const known: (readonly [string, string])[] = [
    ['what', what],
    ['seen', seen(cause, day)],
    ...(ioErrors === 0 ? [] : [['failed', look.paint('red', count(ioErrors, 'I/O error'))] as const]),
    ...broken.map(([name, text], index) => [index === 0 ? name! : '', text!] as const),
    ...(detail === null ? [] : [['log', oneLine(detail)] as const]),
    ['remedy', look.paint('yellow', advice)],
  ]
  return `${look.paint('bold', `${kind}: ${oneLine(subject)}`)}${oneLine(place)}\n${facts(known, look)}`
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

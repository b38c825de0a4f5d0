import type { LogInput } from '../../explain/report.ts'
import { oneLine } from '../../model/printable.ts'
import { count } from '../../model/count.ts'
import type { Display } from './display.ts'

/** Maximum number of names listed for a directory with many files that are not logs. */
const MAX_NAMED = 10

/** The logs and lines that could not be recognized or read. Empty if there are none. */
export function unreadText(inputs: readonly LogInput[], display: Display): string {
  const lines = inputs.flatMap((input) => unread(input, inputs.length > 1, display))
  const left = lines.length - MAX_NAMED
  const more = left > 0 ? [`and ${count(left, 'further log')} not recognized\n`] : []
  return [...lines.slice(0, MAX_NAMED), ...more].join('')
}

function unread(
  { name, lines, understood, firstUnread, missed, problem }: LogInput,
  several: boolean,
  display: Display,
): string[] {
  const which = name === '-' && !several ? 'this log' : oneLine(name)
  if (problem !== null) return [display.paint('yellow', `${oneLine(problem)}\n`)]
  if (missed > 0 && understood)
    return [
      `${display.paint('yellow', `${count(missed, 'line')} about iSCSI sessions in ${which} could not be read`)}; the first: ${quoted(firstUnread?.text)}\n`,
    ]
  if (understood) return []
  if (firstUnread === null)
    return several
      ? []
      : [`${which === oneLine(name) ? which : 'This log'} is empty: there is nothing to explain.\n`]
  return [
    `${display.paint('yellow', `The format of ${which} was not understood`)} (${count(lines, 'line')}). The first line that could not be read is line ${firstUnread.number ?? 1}: ${quoted(firstUnread.text)}\n`,
    ...(several
      ? []
      : [
          'Supported formats: syslog, dmesg, journalctl and their wrappers (docs/explain.md). Try journalctl -k -o short-iso | lunkeeper explain -\n',
        ]),
  ]
}

function quoted(text: string | undefined): string {
  return `"${oneLine(text ?? '')}"`
}

import type { Layer } from './entry.ts'
import { programOf } from './entry.ts'
import { bracketLayer, callerOff } from './kernel-layers.ts'
import type { Months } from './months.ts'
import { writtenTime } from './written-time.ts'

const PRIORITY = /^<\d{1,3}>(?:1 )?/
const NAME = String.raw`([\w./@+$-]{1,80}(?:\([^)]{0,40}\))?)`
/** HOST PROGRAM[PID]: and with BusyBox's facility.level or SONiC's LEVEL before the program. */
const WRITER = new RegExp(
  String.raw`^(\S{1,255}) (?:[a-z0-9]{2,8}\.[a-z]{3,7} |[A-Z]{3,8} )?${NAME}(?:\[[^\]]{1,40}\])?: ?`,
)
/** journalctl --no-hostname. */
const HOSTLESS = new RegExp(String.raw`^${NAME}(?:\[\d{1,10}\])?: `)
/** RFC 5424: HOST APP PROCID MSGID STRUCTURED-DATA MSG. */
const WRITER_5424 =
  /^(\S{1,255}) (\S{1,48}) (?:-|\d{1,10}|\S{1,128}) (?:-|\S{1,32}) (-|(?:\[(?:[^\]\\]|\\.){0,4000}\])+)(?: |$)(?:\u00ef\u00bb\u00bf|\ufeff)?/
/** The kubelet's log of a container: STREAM TAG MESSAGE (kubernetes/design: CRI logging). */
const CONTAINER = /^(stdout|stderr) ([FP])(?: |$)/
/** The fields between klog's date and the message. */
const KLOG = /^\d{1,10} [\w.-]{1,100}:\d{1,6}\] ?/
/** Fluentd's files: time, tag and record, separated by tabs. */
const TAGGED_JSON = /^[\w.*-]{1,128}\t\{/
/** logcli prints the labels of a stream between time and line. */
const LABELS = /^(\{[^{}]{0,4000}\})[ \t]+/

/** A line that starts with a date: all forms of syslog, journalctl, dmesg's ISO times, container logs. */
export function datedLayer(line: string, months: Months): Layer | null {
  const plain = line.replace(PRIORITY, '')
  const dated = writtenTime(plain, months)
  if (!dated) return null
  const { time, rest, hostless } = dated
  if (hostless) return afterDmesgDate(rest, time, months)
  const klog = KLOG.exec(rest)
  if (klog) return { time, inner: rest.slice(klog[0].length) }
  const tagged = TAGGED_JSON.exec(rest)
  if (tagged) return { time, inner: rest.slice(tagged[0].length - 1) }
  const container = CONTAINER.exec(rest)
  if (container) return { time, inner: rest.slice(container[0].length) }
  const labels = LABELS.exec(rest)
  if (labels) return { time, ...labelled(labels[1]!), inner: rest.slice(labels[0].length) }
  // RFC 5424 has no colon after the program, so a colon inside the message must not be taken for it.
  const modern = WRITER_5424.exec(rest)
  if (modern && /^\d{4}-/.test(plain) && !modern[2]!.endsWith(':') && !modern[1]!.endsWith(':'))
    return {
      time,
      host: nil(modern[1]!),
      program: nil(modern[2]!) === null ? null : programOf(modern[2]!),
      inner: rest.slice(modern[0].length),
    }
  const alone = HOSTLESS.exec(rest)
  if (alone) return { time, program: programOf(alone[1]!), inner: rest.slice(alone[0].length) }
  const writer = WRITER.exec(rest)
  if (!writer) return { time, inner: rest }
  return {
    time,
    host: writer[1]!,
    program: programOf(writer[2]!),
    inner: rest.slice(writer[0].length),
  }
}

function afterDmesgDate(rest: string, time: Layer['time'], months: Months): Layer {
  const inner = callerOff(rest)
  const again = inner.startsWith('[') ? bracketLayer(inner, months) : null
  return { time: time ?? null, program: 'kernel', inner: again?.inner ?? inner }
}

function nil(field: string): string | null {
  return field === '-' ? null : field
}

/** {host="n1", syslog_identifier="kernel"} */
export function labelled(labels: string): { host: string | null; program: string | null } {
  const value = (names: string) =>
    new RegExp(String.raw`[{,\s](?:${names})="?([^",}]{1,255})`, 'i').exec(labels)?.[1] ?? null
  const program = value('syslog_identifier|identifier|program|appname|unit|transport')
  return {
    host: value('hostname|host|node_name|node|nodename|instance'),
    program: program === null ? null : programOf(program),
  }
}

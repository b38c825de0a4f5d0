import type { Layer } from './entry.ts'
import { programOf } from './entry.ts'
import { bracketLayer, withoutCaller } from './kernel-layers.ts'
import type { Months } from './months.ts'
import { writtenTime } from './written-time.ts'

const PRIORITY = /^<\d{1,3}>(?:1 )?/
const NAME = String.raw`([\w./@+$-]{1,80}(?:\([^)]{0,40}\))?)`
/** HOST PROGRAM[PID]: also with BusyBox's facility.level or SONiC's LEVEL before the program. */
const HOST_AND_PROGRAM = new RegExp(
  String.raw`^(\S{1,255}) (?:[a-z0-9]{2,8}\.[a-z]{3,7} |[A-Z]{3,8} )?${NAME}(?:\[[^\]]{1,40}\])?: ?`,
)
/** journalctl --no-hostname. */
const PROGRAM_ONLY = new RegExp(String.raw`^${NAME}(?:\[\d{1,10}\])?: `)
/** RFC 5424: HOST APP PROCID MSGID STRUCTURED-DATA MSG. */
const RFC_5424 =
  /^(\S{1,255}) (\S{1,48}) (?:-|\d{1,10}|\S{1,128}) (?:-|\S{1,32}) (-|(?:\[(?:[^\]\\]|\\.){0,4000}\])+)(?: |$)(?:\u00ef\u00bb\u00bf|\ufeff)?/
/** The log of a container as the container runtime writes it: STREAM TAG MESSAGE (Kubernetes, CRI log format). */
const CRI_LOG = /^(stdout|stderr) ([FP])(?: |$)/
/** The fields between klog's date and the message. */
const KLOG = /^\d{1,10} [\w.-]{1,100}:\d{1,6}\] ?/
/** Fluentd's files: time, tag and record, separated by tabs. */
const TAGGED_JSON = /^[\w.*-]{1,128}\t\{/
/** logcli prints the labels of a stream between time and line. */
const LOKI_LABELS = /^(\{[^{}]{0,4000}\})[ \t]+/

/** Parses a line that starts with a date: syslog, journalctl, dmesg --time-format iso, container logs. */
export function datedLayer(line: string, months: Months): Layer | null {
  const plain = line.replace(PRIORITY, '')
  const dated = writtenTime(plain, months)
  if (!dated) return null
  const { time, rest, hasNoHost } = dated
  if (hasNoHost) return afterDmesgDate(rest, time, months)
  const klog = KLOG.exec(rest)
  if (klog) return { time, inner: rest.slice(klog[0].length) }
  const tagged = TAGGED_JSON.exec(rest)
  if (tagged) return { time, inner: rest.slice(tagged[0].length - 1) }
  const container = CRI_LOG.exec(rest)
  if (container) return { time, inner: rest.slice(container[0].length) }
  const labels = LOKI_LABELS.exec(rest)
  if (labels) return { time, ...fromLabels(labels[1]!), inner: rest.slice(labels[0].length) }
  // RFC 5424 has no colon after the program. With one, the line is of the older format.
  const rfc5424 = RFC_5424.exec(rest)
  if (rfc5424 && /^\d{4}-/.test(plain) && !rfc5424[2]!.endsWith(':') && !rfc5424[1]!.endsWith(':'))
    return {
      time,
      host: nullIfNil(rfc5424[1]!),
      program: nullIfNil(rfc5424[2]!) === null ? null : programOf(rfc5424[2]!),
      inner: rest.slice(rfc5424[0].length),
    }
  const programOnly = PROGRAM_ONLY.exec(rest)
  if (programOnly)
    return { time, program: programOf(programOnly[1]!), inner: rest.slice(programOnly[0].length) }
  const writer = HOST_AND_PROGRAM.exec(rest)
  if (!writer) return { time, inner: rest }
  return {
    time,
    host: writer[1]!,
    program: programOf(writer[2]!),
    inner: rest.slice(writer[0].length),
  }
}

function afterDmesgDate(rest: string, time: Layer['time'], months: Months): Layer {
  const inner = withoutCaller(rest)
  const second = inner.startsWith('[') ? bracketLayer(inner, months) : null
  return { time: time ?? null, program: 'kernel', inner: second?.inner ?? inner }
}

function nullIfNil(field: string): string | null {
  return field === '-' ? null : field
}

/** Reads the host and the program from Loki's labels: {host="n1", syslog_identifier="kernel"}. */
export function fromLabels(labels: string): { host: string | null; program: string | null } {
  const value = (names: string) =>
    new RegExp(String.raw`[{,\s](?:${names})="?([^",}]{1,255})`, 'i').exec(labels)?.[1] ?? null
  const program = value('syslog_identifier|identifier|program|appname|unit|transport')
  return {
    host: value('hostname|host|node_name|node|nodename|instance'),
    program: program === null ? null : programOf(program),
  }
}

import { journalLine } from './journal-line.ts'
import type { Written } from './written-time.ts'
import { ctime, writtenTime } from './written-time.ts'

/** A line of a log, whatever wrote it. */
export interface Line {
  readonly time: Written | null
  /** Seconds since boot. */
  readonly uptime: number | null
  readonly host: string | null
  readonly source: 'kernel' | 'iscsid'
  readonly message: string
}

/** What only its beginning tells: enough for a line's place in time, not for what it says. */
export type Stamp = Pick<Line, 'time' | 'uptime'>

const KMSG = /^(\d{1,4}),(\d{1,20}),(\d{1,17}),[^;]{0,80};(.*)$/
/** dmesg -r and raw syslog: <6>; dmesg -x: kern  :info  : */
const PRIORITY = /^(?:<\d{1,3}>(?:1 )?|[a-z]{2,8} *:[a-z]{3,6} *: )/
/** [ 12.345678], [ 12.345678 <    0.000010>], and with a caller: [ 12.345678][    T1] */
const UPTIME = /^\[ *(\d{1,12}\.\d{1,9})(?: *<[^>\]]{1,20}>)?\](?:\[ *[TC]\d{1,9}\])? ?/
const BRACKETED = /^\[([^\]]{20,32})\] /
const WRITER = /^(\S{1,255}) (kernel|iscsid)(?:\[\d{1,10}\])?: ?/
/** RFC 5424: HOST APP PROCID MSGID STRUCTURED-DATA MSG. */
const WRITER_5424 =
  /^(\S{1,255}) (kernel|iscsid) \S{1,128} \S{1,32} (?:-|\[.*?\]) (?:\u00ef\u00bb\u00bf|\ufeff)?/

/** Understands a line of the kernel or of iscsid; null: some other program's, or no line of a log. */
export function readLine(text: string): Line | null {
  if (text.startsWith('{')) return journalLine(text)
  const kmsg = KMSG.exec(text)
  if (kmsg) {
    // Facility 0 is the kernel's; others were written into the buffer by programs.
    const facility = Number(kmsg[1]) >> 3
    const uptime = Number(kmsg[3]) / 1e6
    return facility === 0 ? line(null, uptime, null, 'kernel', kmsg[4]!) : fromProgram(uptime, kmsg[4]!)
  }
  const plain = text.replace(PRIORITY, '')
  const uptime = UPTIME.exec(plain)
  if (uptime) return afterUptime(Number(uptime[1]), plain.slice(uptime[0].length))
  const bracketed = BRACKETED.exec(plain)
  if (bracketed) {
    const time = ctime(bracketed[1]!)
    return time && line(time, null, null, 'kernel', plain.slice(bracketed[0].length))
  }
  const dated = writtenTime(plain)
  if (!dated) return null
  const { time, rest, hostless } = dated
  if (hostless) return line(time, null, null, 'kernel', rest)
  const writer = WRITER.exec(rest) ?? WRITER_5424.exec(rest)
  if (!writer) return null
  const said = rest.slice(writer[0].length)
  const since = writer[2] === 'kernel' ? UPTIME.exec(said) : null
  return line(
    time,
    since && Number(since[1]),
    writer[1]!,
    writer[2] as Line['source'],
    since ? said.slice(since[0].length) : said,
  )
}

/** When a line was written, whoever wrote it. */
export function stampOf(text: string): Stamp | null {
  const plain = text.replace(PRIORITY, '')
  const dated = writtenTime(plain)
  if (dated) return { time: dated.time, uptime: null }
  const known = readLine(text)
  return known && (known.time !== null || known.uptime !== null) ? known : null
}

/** `dmesg`, or `journalctl -o short-monotonic`, which names host and writer. */
function afterUptime(uptime: number, rest: string): Line {
  const writer = WRITER.exec(rest)
  return writer
    ? line(null, uptime, writer[1]!, writer[2] as Line['source'], rest.slice(writer[0].length))
    : line(null, uptime, null, 'kernel', rest)
}

function fromProgram(uptime: number, message: string): Line | null {
  const writer = /^iscsid(?:\[\d{1,10}\])?: ?/.exec(message)
  return writer && line(null, uptime, null, 'iscsid', message.slice(writer[0].length))
}

function line(
  time: Line['time'],
  uptime: number | null,
  host: string | null,
  source: Line['source'],
  message: string,
): Line {
  return { time, uptime, host, source, message: message.trim() }
}

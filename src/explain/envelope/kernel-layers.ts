import type { Layer } from './entry.ts'
import type { Months } from './months.ts'
import { ctime, writtenTime } from './written-time.ts'

const KMSG = /^(\d{1,4}),(\d{1,20}),(\d{1,17}),[^;]{0,80};/
/** dmesg -r: <6>; dmesg -x: kern  :info  : */
const PRIORITY =
  /^(?:<\d{1,3}>|(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local\d) *: ?(?:emerg|alert|crit|err|warn|warning|notice|info|debug) *: )/
/** [ 12.345678], [ 12.345678 <    0.000010>]; the delta is formatted for the user's locale. */
const UPTIME = /^\[ *(\d{1,12})[.,](\d{1,9})(?: *<[^>\]]{1,20}>)?\] ?/
/** dmesg -d prints only the time since the previous line. */
const DELTA = /^\[ *< *[^>\]]{1,20}>\] ?/
const CALLER = /^\[ *[TC]\d{1,9}\] ?/
const BRACKETED = /^\[([^\]<]{14,60}?)(?: *<[^>\]]{1,20}>)?\]:? ?/
/** journalctl -o short-monotonic prints host and program after the time. */
const WRITER = /^(\S{1,255}) ([\w./@-]{1,64})(?:\[\d{1,10}\])?: ?/
/** talosctl dmesg: NODE: kern: info: [2026-01-13T04:30:10.123456789Z]: */
const TALOS = /^(?:(\S{1,255}): +)?([a-z0-9]{2,8}): +([a-z]{3,7}): +\[([^\]]{19,40})\]: ?/

/** A record of /dev/kmsg: Documentation/ABI/testing/dev-kmsg. */
export function kmsgLayer(line: string): Layer | null {
  const record = KMSG.exec(line)
  if (!record) return null
  // Facility 0 is the kernel. Programs write to the buffer with other facilities and begin with their name.
  const program = Number(record[1]) >> 3 === 0 ? 'kernel' : null
  const inner = line.slice(record[0].length)
  const uptime = Number(record[3]) / 1e6
  return program ? { uptime, program, inner } : { uptime, ...tagged(inner) }
}

function tagged(inner: string): Layer {
  const tag = /^([\w./-]{1,64})(?:\[\d{1,10}\])?: ?/.exec(inner)
  return { program: tag ? tag[1]!.toLowerCase() : 'unknown', inner: tag ? inner.slice(tag[0].length) : inner }
}

/** Removes a leading priority, as a number (kernel, syslog senders) or in words (dmesg -x). */
export function decodedLayer(line: string): Layer | null {
  const priority = PRIORITY.exec(line)
  if (!priority) return null
  const inner = line.slice(priority[0].length).replace(/^1 (?=\d{4}-)/, '')
  return uptimeLayer(inner) ?? { inner: inner.trimStart() }
}

/** Parses a line of dmesg, or of journalctl with the time since boot. */
export function uptimeLayer(line: string): Layer | null {
  const stamp = UPTIME.exec(line)
  if (!stamp) {
    const delta = DELTA.exec(line)
    return delta && { program: 'kernel', inner: withoutCaller(line.slice(delta[0].length)) }
  }
  const uptime = Number(`${stamp[1]}.${stamp[2]}`)
  const rest = line.slice(stamp[0].length)
  if (rest.startsWith('[')) {
    const layer = secondUptime(rest)
    if (layer) return { ...layer, uptime }
  }
  const message = withoutCaller(rest)
  const writer = WRITER.exec(message)
  if (writer && !writer[1]!.endsWith(':') && KNOWN_PROGRAM.test(writer[2]!))
    return {
      uptime,
      host: writer[1]!,
      program: writer[2]!.replace(/\.service$/, '').toLowerCase(),
      inner: message.slice(writer[0].length),
    }
  return { uptime, program: 'kernel', inner: message }
}

/**
 * Programs that are recognized after `HOST ` in a line with the time since boot. Any other word may be part of a kernel
 * message.
 */
const KNOWN_PROGRAM =
  /^(?:kernel|iscsid|multipathd?|tgtd|kubelet|k3s|systemd|dmeventd|iscsi-scstd)(?:\.service)?$/i

/** dmesg prints several timestamps if several formats are requested: parses the second one. */
function secondUptime(rest: string): Layer | null {
  const again = UPTIME.exec(rest)
  return again ? { program: 'kernel', inner: withoutCaller(rest.slice(again[0].length)) } : null
}

/** Parses a line with a date in brackets: dmesg -T in any language, or ISO 8601. */
export function bracketLayer(line: string, months: Months): Layer | null {
  const bracketed = BRACKETED.exec(line)
  if (!bracketed) return null
  const text = bracketed[1]!
  const time = ctime(text, months) ?? writtenTime(`${text} `, months)?.time ?? null
  if (!time) return null
  return { time, program: 'kernel', inner: withoutCaller(line.slice(bracketed[0].length)) }
}

/** Parses a line of Talos, which prints facility, level and time before kernel messages and those of its services. */
export function talosLayer(line: string, months: Months): Layer | null {
  const parts = TALOS.exec(line)
  if (!parts) return null
  const [all, host, facility, , stamp] = parts
  const time = writtenTime(`${stamp} `, months)?.time ?? null
  if (!time) return null
  const inner = line.slice(all.length)
  const layer: Layer = facility === 'kern' ? { program: 'kernel', inner } : tagged(inner)
  return { ...layer, time, host: host ?? null }
}

/** Removes the thread or CPU number of dmesg with CONFIG_PRINTK_CALLER: `[T123]`, `[C1]`. */
export function withoutCaller(message: string): string {
  const rest = message.trimStart()
  const caller = CALLER.exec(rest)
  return caller ? rest.slice(caller[0].length) : message
}

import { replaceUnprintable } from '../unprintable.ts'
import type { SystemLogEntry, Layer } from './entry.ts'
import { EMPTY_ENTRY, unwrapped } from './entry.ts'
import { jsonLayer } from './json.ts'
import { keyValueLayer } from './key-value.ts'
import { bracketLayer, decodedLayer, kmsgLayer, talosLayer, uptimeLayer } from './kernel-layers.ts'
import type { Months } from './months.ts'
import { datedLayer } from './syslog.ts'

/** Envelopes that are removed from one line. Real logs have fewer. */
const MAX_DEPTH = 6
/** Programs that forward the lines of other programs. The forwarded line itself names its writer. */
const FORWARDERS =
  /^(?:docker|dockerd|podman|containerd|crio|conmon|systemd-cat|logger|fluent-?bit|promtail|k8s_.*)$/
/** RFC 7464 puts it before each JSON text: journalctl -o json-seq. */
const RECORD_SEPARATOR = 0x1e
/** Colours of `dmesg -L`, or of a recorded terminal session. */
// oxlint-disable-next-line no-control-regex
const ESCAPE_SEQUENCES = /\u001b\[[0-9;]{0,20}[A-Za-z]/g
/** What tools and people put before a line: grep's file name and line number, `> ` of a quotation, a pod name. */
const PREFIX =
  /^(?:[^\s:|"{}]{1,200}?(?::|-)(?:\d{1,9}(?::|-))?|\S{1,80} +\| ?|(?:[>|*\u2502\u2503] ?)+|\[?[^\s\]]{1,200}\]? )/

/** Parses a line of a log in any format; null if no format matches. */
export function readEntry(text: string, months: Months): SystemLogEntry | null {
  const plain = text.includes('\u001b') ? text.replace(ESCAPE_SEQUENCES, '') : text
  const line = plain.trim()
  if (line === '') return null
  return parseEnvelope(line, months) ?? parsePrefixed(line, months)
}

/** Makes an entry of a record whose fields were read: removes the envelopes inside its message. */
export function openEntry(layer: Layer, months: Months): SystemLogEntry {
  return unwrapAll(unwrapped(EMPTY_ENTRY, layer), months)
}

function parseEnvelope(line: string, months: Months): SystemLogEntry | null {
  const layer = outerLayer(line, months)
  return layer && unwrapAll(unwrapped(EMPTY_ENTRY, layer), months)
}

/** Parses a line whose envelope begins after a prefix. */
function parsePrefixed(line: string, months: Months): SystemLogEntry | null {
  let rest = line
  for (let tries = 0; tries < 3; tries++) {
    const before = PREFIX.exec(rest)
    if (!before) return null
    rest = rest.slice(before[0].length)
    const layer = outerLayer(rest.trimStart(), months)
    if (layer && (layer.time || typeof layer.uptime === 'number'))
      return unwrapAll(unwrapped(EMPTY_ENTRY, layer), months)
  }
  return null
}

function outerLayer(line: string, months: Months): Layer | null {
  const first = line.charCodeAt(0)
  if (first === 0x7b || first === RECORD_SEPARATOR || line.startsWith('data:') || /^\[{1,2}\d/.test(line)) {
    const layer = jsonLayer(first === RECORD_SEPARATOR ? line.slice(1) : line.replace(/^data: ?/, ''), months)
    if (layer) return layer
  }
  if (first === 0x5b) return uptimeLayer(line) ?? bracketLayer(line, months)
  return (
    kmsgLayer(line) ??
    talosLayer(line, months) ??
    decodedLayer(line) ??
    datedLayer(line, months) ??
    keyValueLayer(line, months)
  )
}

function unwrapAll(entry: SystemLogEntry, months: Months): SystemLogEntry {
  let current = entry
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const layer = innerLayer(current, months)
    if (!layer) break
    current = unwrapped(current, layer)
  }
  return {
    ...current,
    host: current.host && replaceUnprintable(current.host).slice(0, 255),
    message: replaceUnprintable(current.message.trim()),
  }
}

/**
 * The next envelope inside a message; null if there is none. Once the program is known, only that program's own prefixes
 * are removed, because programs also quote lines of others.
 */
function innerLayer({ program, message, time, uptime }: SystemLogEntry, months: Months): Layer | null {
  const inner = message.trim()
  if (program === null || FORWARDERS.test(program)) {
    const named = TAGGED.exec(inner)
    if (named) return { program: named[1]!, inner: inner.slice(named[0].length) }
    const layer = outerLayer(inner, months)
    return layer && layer.inner !== inner ? layer : null
  }
  if (program === 'kernel') {
    return kernelPrefix(inner, months) ?? (time === null && uptime === null ? decodedLayer(inner) : null)
  }
  const repeated = REPEATED.exec(inner)
  if (repeated && repeated[1] === program) return { inner: inner.slice(repeated[0].length) }
  if (program === 'kubelet' || program === 'k3s' || program === 'rke2') {
    const klog = KLOG.exec(inner)
    return klog && { program: 'kubelet', inner: inner.slice(klog[0].length) }
  }
  return null
}

/**
 * Removes what can follow the first timestamp of a kernel message: further timestamps of dmesg, the name that klogd
 * adds.
 */
function kernelPrefix(inner: string, months: Months): Layer | null {
  if (inner.startsWith('kernel: ')) return { inner: inner.slice(8) }
  const relative = RELATIVE.exec(inner)
  if (relative) return { inner: inner.slice(relative[0].length) }
  if (inner.startsWith('['))
    return uptimeLayer(inner) ?? callerPrefix(inner) ?? datedBracketLayer(inner, months)
  if (!/^\d{4}-\d\d-\d\dT/.test(inner)) return null
  const layer = datedLayer(inner, months)
  return layer?.program === 'kernel' ? layer : null
}

const RELATIVE = /^\[ *\+\d{1,9}[.,]\d{6}\] ?/
/** Prefix of `iscsid -f` and others: usr/log.c:log_do_log_std. */
const TAGGED = /^(kernel|iscsid|multipathd|tgtd|kubelet)(?:\[\d{1,10}\])?: +/
const REPEATED = /^([a-z-]{3,20})(?:\[\d{1,10}\])?: +/
const CALLER = /^\[ *[TC]\d{1,9}\] ?/
/** klog: I0118 04:30:10.123456    1234 file.go:348] */
const KLOG = /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{1,9} +\d{1,10} [\w.-]{1,100}:\d{1,6}\] ?/

function callerPrefix(inner: string): Layer | null {
  const caller = CALLER.exec(inner)
  return caller && { inner: inner.slice(caller[0].length) }
}

function datedBracketLayer(inner: string, months: Months): Layer | null {
  const layer = bracketLayer(inner, months)
  return layer?.time ? layer : null
}

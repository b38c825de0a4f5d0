import { clean } from '../clean.ts'
import type { Entry, Layer } from './entry.ts'
import { BARE, within } from './entry.ts'
import { jsonLayer } from './json.ts'
import { keyValueLayer } from './key-value.ts'
import { bracketLayer, decodedLayer, kmsgLayer, talosLayer, uptimeLayer } from './kernel-layers.ts'
import type { Months } from './months.ts'
import { datedLayer } from './syslog.ts'

/** Maximum nesting of wrappers; more is a hostile log. */
const DEEPEST = 6
/** Programs that forward the lines of others; information about the writer is in the line itself. */
const FORWARDERS =
  /^(?:docker|dockerd|podman|containerd|crio|conmon|systemd-cat|logger|fluent-?bit|promtail|k8s_.*)$/
/** Before each text of RFC 7464: journalctl -o json-seq. */
const SEPARATOR = 0x1e
/** ESC [ … m and the like: `dmesg -L`, `journalctl` to a terminal that was recorded. */
// oxlint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[0-9;]{0,20}[A-Za-z]/g
/** Prefixes of a line that was found or quoted: grep's file and line number, a quotation mark, a pod name. */
const FOUND =
  /^(?:[^\s:|"{}]{1,200}?(?::|-)(?:\d{1,9}(?::|-))?|\S{1,80} +\| ?|(?:[>|*\u2502\u2503] ?)+|\[?[^\s\]]{1,200}\]? )/

/** Parses a line; null if it does not look like a line of a log. */
export function readEntry(text: string, months: Months): Entry | null {
  const plain = text.includes('\u001b') ? text.replace(COLOURS, '') : text
  const line = plain.trim()
  if (line === '') return null
  return opened(line, months) ?? found(line, months)
}

/** Opens the message of a record with fields. */
export function openEntry(layer: Layer, months: Months): Entry {
  return open(within(BARE, layer), months)
}

function opened(line: string, months: Months): Entry | null {
  const layer = outermost(line, months)
  return layer && open(within(BARE, layer), months)
}

/** A line with a prefix: the envelope begins a little later. */
function found(line: string, months: Months): Entry | null {
  let rest = line
  for (let tries = 0; tries < 3; tries++) {
    const before = FOUND.exec(rest)
    if (!before) return null
    rest = rest.slice(before[0].length)
    const layer = outermost(rest.trimStart(), months)
    if (layer && (layer.time || typeof layer.uptime === 'number')) return open(within(BARE, layer), months)
  }
  return null
}

function outermost(line: string, months: Months): Layer | null {
  const first = line.charCodeAt(0)
  if (first === 0x7b || first === SEPARATOR || line.startsWith('data:') || /^\[{1,2}\d/.test(line)) {
    const layer = jsonLayer(first === SEPARATOR ? line.slice(1) : line.replace(/^data: ?/, ''), months)
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

function open(entry: Entry, months: Months): Entry {
  let opened = entry
  for (let depth = 0; depth < DEEPEST; depth++) {
    const layer = inside(opened, months)
    if (!layer) break
    opened = within(opened, layer)
  }
  return {
    ...opened,
    host: opened.host && clean(opened.host).slice(0, 255),
    message: clean(opened.message.trim()),
  }
}

/**
 * The next envelope. Once a program is named, only its own format is opened, because other programs quote lines, too.
 */
function inside({ program, message, time, uptime }: Entry, months: Months): Layer | null {
  const inner = message.trim()
  if (program === null || FORWARDERS.test(program)) {
    const named = TAGGED.exec(inner)
    if (named) return { program: named[1]!, inner: inner.slice(named[0].length) }
    const layer = outermost(inner, months)
    return layer && layer.inner !== inner ? layer : null
  }
  if (program === 'kernel') {
    return kernelsOwn(inner, months) ?? (time === null && uptime === null ? decodedLayer(inner) : null)
  }
  const again = REPEATED.exec(inner)
  if (again && again[1] === program) return { inner: inner.slice(again[0].length) }
  if (program === 'kubelet' || program === 'k3s' || program === 'rke2') {
    const klog = KLOG.exec(inner)
    return klog && { program: 'kubelet', inner: inner.slice(klog[0].length) }
  }
  return null
}

/** What precedes a kernel message after the first timestamp: dmesg prints several, klogd its name. */
function kernelsOwn(inner: string, months: Months): Layer | null {
  if (inner.startsWith('kernel: ')) return { inner: inner.slice(8) }
  const relative = RELATIVE.exec(inner)
  if (relative) return { inner: inner.slice(relative[0].length) }
  if (inner.startsWith('[')) return uptimeLayer(inner) ?? callerLayer(inner) ?? datedBracket(inner, months)
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

function callerLayer(inner: string): Layer | null {
  const caller = CALLER.exec(inner)
  return caller && { inner: inner.slice(caller[0].length) }
}

function datedBracket(inner: string, months: Months): Layer | null {
  const layer = bracketLayer(inner, months)
  return layer?.time ? layer : null
}

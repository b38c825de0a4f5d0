import { setTimeout as sleep } from 'node:timers/promises'

import { LunkeeperError } from '../../model/errors.ts'
import { monotonicMs } from '../clock.ts'
import type { Host } from '../host.ts'

/** One event of the kernel: its properties, such as ACTION, DEVPATH, DM_NAME. */
export type KernelEvent = ReadonlyMap<string, string>

/** Pause before the monitor is restarted. It is doubled, up to a maximum, each time the monitor ends soon after its start. */
const RESTART_MS = 1_000
const MAX_RESTART_MS = 60_000
/** A monitor that has run for this long counts as working. */
const WORKED_MS = 60_000

/** The longest timer of Node, 24 days; then the monitor is restarted. */
const MAX_TIMER_MS = 2 ** 31 - 1

const ARGUMENTS = ['monitor', '--kernel', '--property', '--subsystem-match=block', '--subsystem-match=scsi']

/**
 * Follows the kernel's events of block and SCSI devices until the signal is aborted. Runs one `udevadm monitor`, because Node has
 * no netlink sockets; udevd is not needed. If it cannot be started, there are no events and no error.
 * @param onEvent called for each event
 * @param onListening called each time that the monitor has subscribed: earlier changes must be looked up
 */
export async function followKernelEvents(
  host: Host,
  onEvent: (event: KernelEvent) => void,
  signal: AbortSignal,
  onListening: () => void = () => {},
): Promise<void> {
  for (let pause = RESTART_MS; !signal.aborted;) {
    const reader = new EventReader(onEvent, onListening)
    const startedMs = monotonicMs()
    try {
      await host.run('udevadm', ARGUMENTS, {
        deadline: MAX_TIMER_MS,
        signal,
        onOutput: (text) => reader.take(text),
      })
    } catch (error) {
      if (!(error instanceof LunkeeperError)) throw error
      if (error.code === 'PROGRAM_MISSING') return
    }
    if (monotonicMs() - startedMs > WORKED_MS) pause = RESTART_MS
    await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
    pause = Math.min(2 * pause, MAX_RESTART_MS)
  }
}

/** A longer property is not from the kernel (lib/kobject_uevent.c: UEVENT_BUFFER_SIZE is 2048). */
const MAX_PENDING = 64 * 1024

/** Printed once the socket is bound (systemd: src/udev/udevadm-monitor.c). The line of an event has a time after the word. */
const LISTENING = /^KERNEL - /

/** Parses the output of `udevadm monitor --property`: a header line, NAME=VALUE lines, a blank line. */
export class EventReader {
  readonly #onEvent: (event: KernelEvent) => void
  readonly #onListening: () => void
  #pending = ''
  #event = new Map<string, string>()

  constructor(onEvent: (event: KernelEvent) => void, onListening: () => void = () => {}) {
    this.#onEvent = onEvent
    this.#onListening = onListening
  }

  take(text: string): void {
    const lines = (this.#pending + text).split('\n')
    this.#pending = lines.pop()!.slice(-MAX_PENDING)
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    if (LISTENING.test(line)) this.#onListening()
    if (line === '') {
      if (this.#event.size > 0) this.#onEvent(this.#event)
      this.#event = new Map()
      return
    }
    const [, name, value] = /^([A-Z0-9_]+)=(.*)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) this.#event.set(name, value)
  }
}

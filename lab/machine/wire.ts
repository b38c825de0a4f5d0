import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { LabError } from '../error.ts'

export interface Event {
  event: string
  pid?: number
  [field: string]: unknown
}

/** An error of the guest's file system or of starting a program, with its code in the guest (`ENOENT`). */
export class GuestError extends Error {
  override readonly name = 'GuestError'
  readonly code: string | undefined
  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/**
 * Bytes sent to the guest that it has not confirmed. A terminal buffers 4096 and stops its driver shortly before
 * that; user-mode Linux's driver does not recover from that stop (arch/um/drivers/line.c, seen on 6.1: later input
 * is never noticed), so it must not happen.
 */
const window = 2048

/** Requests and answers over a machine's serial line: one JSON document per line, any number in progress at once. */
export class Wire {
  readonly #line: Duplex
  readonly #calls = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  #last = 0
  #queue = Buffer.alloc(0)
  #unconfirmed = 0
  #down: string | undefined

  constructor(line: Duplex, onEvent: (event: Event) => void) {
    this.#line = line
    const lines = createInterface({ input: line, terminal: false })
    // the machine was ended by kill -9: that it is off is reported elsewhere
    ;(lines as unknown as NodeJS.EventEmitter).on('error', () => undefined)
    lines.on('line', (text) => {
      let message: {
        got?: number
        id?: number
        value?: never
        error?: { message: string; code?: string }
      } & Event
      try {
        message = JSON.parse(text)
      } catch {
        return // not ours: a kernel oops may find its way onto any terminal
      }
      if (message.got !== undefined) {
        this.#unconfirmed -= message.got
        return this.#send()
      }
      if (message.id === undefined) return onEvent(message)
      const call = this.#calls.get(message.id)
      this.#calls.delete(message.id)
      if (message.error) call?.reject(new GuestError(message.error.message, message.error.code))
      else call?.resolve(message.value as never)
    })
  }

  /** @param bound milliseconds until the machine counts as not answering: it is frozen, or its kernel is stuck */
  call<T>(op: string, fields: object = {}, bound = 60_000): Promise<T> {
    if (this.#down !== undefined) return Promise.reject(new LabError(this.#down))
    const id = ++this.#last
    const sent = new Error()
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#calls.delete(id)
        reject(new LabError(`the machine did not answer '${op}' within ${bound / 1000} s`, { cause: sent }))
      }, bound)
      const settle =
        <A>(how: (value: A) => void) =>
        (value: A) => {
          clearTimeout(timer)
          how(value)
        }
      this.#calls.set(id, { resolve: settle(resolve), reject: settle(reject) })
      this.#queue = Buffer.concat([this.#queue, Buffer.from(`${JSON.stringify({ id, op, ...fields })}\n`)])
      this.#send()
    })
  }

  #send(): void {
    const part = this.#queue.subarray(0, window - this.#unconfirmed)
    if (part.length === 0) return
    this.#queue = this.#queue.subarray(part.length)
    this.#unconfirmed += part.length
    this.#line.write(part)
  }

  /** the machine is gone; everything in progress fails with this message */
  down(words: string): void {
    this.#down = words
    for (const call of this.#calls.values()) call.reject(new LabError(words))
    this.#calls.clear()
  }
}

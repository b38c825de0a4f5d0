import type { ServerResponse } from 'node:http'

/** A client that takes nothing for this long is dropped; it connects again, and gets everything. */
const STALLED_MS = 10_000
/** Once more soon after the start, when a client was busy with its first rendering as the first one came. */
const SECOND_CLOCK_MS = 2_000
/** Keeps the connection known to whatever stands between, and the client's clock right. */
const CLOCK_INTERVAL_MS = 15_000
/** Clients at one time, in total and of one address: a browser opens one for each tab. */
const CLIENTS = 32
const CLIENTS_OF_ONE = 12

/** Text that is made when it is sent. */
type Frame = Buffer | (() => Buffer)

/**
 * Server-sent events to all clients (HTML Living Standard, section 9.2). An event is made once, and all connections are given
 * the same bytes. A connection that takes no more is given only the newest state of each event, when it takes again, so that
 * nothing piles up for it in memory.
 */
export class EventStream implements Disposable {
  readonly #frames = new Map<string, Frame>()
  readonly #clients = new Map<Client, string>()
  readonly #now: () => unknown
  #timer: NodeJS.Timeout | undefined

  /** @param now data of the event `clock`, which is sent at the start and every 15 s */
  constructor(now: () => unknown) {
    this.#now = now
    this.#frames.set('clock', () => frameOf('clock', JSON.stringify(this.#now())))
  }

  get clients(): number {
    return this.#clients.size
  }

  /** @param json on one line, as JSON.stringify makes it */
  publish(name: string, json: string): void {
    const frame = frameOf(name, json)
    this.#frames.set(name, frame)
    for (const client of this.#clients.keys()) client.offer(name)
  }

  /** Forgets an event's last state: it is out of date, and is not sent to the next clients. */
  forget(name: string): void {
    this.#frames.delete(name)
  }

  /**
   * Sends the last state of all events, and each one from now on, until the client leaves or is dropped.
   * @param left called once, when it has left
   * @returns whether there was room for it; if not, nothing was sent
   */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>, left: () => void): boolean {
    const address = response.socket?.remoteAddress ?? ''
    const same = [...this.#clients.values()].filter((one) => one === address).length
    if (this.#clients.size >= CLIENTS || same >= CLIENTS_OF_ONE) return false
    const client = new Client(response, (name) => this.#frames.get(name))
    this.#clients.set(client, address)
    response.once('close', () => {
      client[Symbol.dispose]()
      this.#clients.delete(client)
      if (this.#clients.size === 0) clearInterval(this.#timer)
      left()
    })
    // It is idle when nothing happens, and is watched by the client's own timer.
    response.socket?.setTimeout(0)
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', connection: 'close' })
    response.flushHeaders()
    for (const name of this.#frames.keys()) client.offer(name)
    const again = setTimeout(() => client.offer('clock'), SECOND_CLOCK_MS).unref()
    response.once('close', () => clearTimeout(again))
    if (this.#clients.size === 1)
      this.#timer = setInterval(() => {
        for (const one of this.#clients.keys()) one.offer('clock')
      }, CLOCK_INTERVAL_MS).unref()
    return true
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const client of this.#clients.keys()) client.drop()
  }
}

class Client implements Disposable {
  readonly #response: ServerResponse
  readonly #frame: (name: string) => Frame | undefined
  /** Events that have changed since the connection took no more. */
  readonly #missed = new Set<string>()
  #stalled: NodeJS.Timeout | undefined

  constructor(response: ServerResponse, frame: (name: string) => Frame | undefined) {
    this.#response = response
    this.#frame = frame
  }

  offer(name: string): void {
    this.#missed.add(name)
    if (this.#stalled === undefined) this.#send()
  }

  #send(): void {
    for (const name of this.#missed) {
      this.#missed.delete(name)
      const frame = this.#frame(name)
      if (frame === undefined) continue
      if (this.#response.write(typeof frame === 'function' ? frame() : frame)) continue
      this.#stalled = setTimeout(() => this.drop(), STALLED_MS).unref()
      this.#response.once('drain', () => {
        this[Symbol.dispose]()
        this.#send()
      })
      return
    }
  }

  drop(): void {
    this.#response.destroy()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#stalled)
    this.#stalled = undefined
  }
}

function frameOf(name: string, json: string): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${json}\n\n`)
}

import type { ServerResponse } from 'node:http'

/** A client that reads nothing for this long is disconnected. When it connects again, it gets the full state. */
const STALL_TIMEOUT_MS = 10_000
/**
 * The clock is sent again this long after the start, because the first rendering delays the client's handling of the
 * first one.
 */
const CLOCK_REPEAT_MS = 2_000
/** Keeps proxies from closing an idle connection, and corrects the client's clock. */
const CLOCK_INTERVAL_MS = 15_000
/** Clients at one time, in total and per address. A browser opens one connection for each tab. */
const MAX_CLIENTS = 32
const MAX_CLIENTS_PER_ADDRESS = 12

/** An event as it is sent; a function makes it at the time of sending. */
type Frame = Buffer | (() => Buffer)

/**
 * Sends server-sent events to all clients (HTML Living Standard, section 9.2). Each event is encoded once, and all clients
 * get the same bytes. A client that does not read fast enough gets only the newest state of each event when it reads again,
 * so that its memory use is bounded.
 */
export class EventStream implements Disposable {
  readonly #frames = new Map<string, Frame>()
  readonly #clients = new Map<Client, string>()
  readonly #now: () => unknown
  #timer: NodeJS.Timeout | undefined

  /** @param now makes the data of the event `clock`, which is sent at the start and every 15 s */
  constructor(now: () => unknown) {
    this.#now = now
    this.#frames.set('clock', () => frameOf('clock', JSON.stringify(this.#now())))
  }

  get clients(): number {
    return this.#clients.size
  }

  /** Sends an event to all clients, and keeps it for later clients. @param json a document on one line */
  publish(name: string, json: string): void {
    const frame = frameOf(name, json)
    this.#frames.set(name, frame)
    for (const client of this.#clients.keys()) client.offer(name)
  }

  /** Discards the last state of an event, which is out of date, so that later clients do not get it. */
  forget(name: string): void {
    this.#frames.delete(name)
  }

  /**
   * Adds a client: sends it the last state of all events, then each new one until the client disconnects.
   * @param onClose called once, when the connection has closed
   * @returns false if there are too many clients; nothing was sent then
   */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>, onClose: () => void): boolean {
    const address = response.socket?.remoteAddress ?? ''
    const sameAddress = [...this.#clients.values()].filter((one) => one === address).length
    if (this.#clients.size >= MAX_CLIENTS || sameAddress >= MAX_CLIENTS_PER_ADDRESS) return false
    const client = new Client(response, (name) => this.#frames.get(name))
    this.#clients.set(client, address)
    response.once('close', () => {
      client[Symbol.dispose]()
      this.#clients.delete(client)
      if (this.#clients.size === 0) clearInterval(this.#timer)
      onClose()
    })
    // An event stream may be idle: the timeout for idle connections does not apply.
    response.socket?.setTimeout(0)
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', connection: 'close' })
    response.flushHeaders()
    for (const name of this.#frames.keys()) client.offer(name)
    const repeat = setTimeout(() => client.offer('clock'), CLOCK_REPEAT_MS).unref()
    response.once('close', () => clearTimeout(repeat))
    if (this.#clients.size === 1)
      this.#timer = setInterval(() => {
        for (const one of this.#clients.keys()) one.offer('clock')
      }, CLOCK_INTERVAL_MS).unref()
    return true
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const client of this.#clients.keys()) client.disconnect()
  }
}

class Client implements Disposable {
  readonly #response: ServerResponse
  readonly #frame: (name: string) => Frame | undefined
  /** Events that changed while the client did not read. */
  readonly #pending = new Set<string>()
  #stalled: NodeJS.Timeout | undefined

  constructor(response: ServerResponse, frame: (name: string) => Frame | undefined) {
    this.#response = response
    this.#frame = frame
  }

  offer(name: string): void {
    this.#pending.add(name)
    if (this.#stalled === undefined) this.#send()
  }

  #send(): void {
    for (const name of this.#pending) {
      this.#pending.delete(name)
      const frame = this.#frame(name)
      if (frame === undefined) continue
      if (this.#response.write(typeof frame === 'function' ? frame() : frame)) continue
      this.#stalled = setTimeout(() => this.disconnect(), STALL_TIMEOUT_MS).unref()
      this.#response.once('drain', () => {
        this[Symbol.dispose]()
        this.#send()
      })
      return
    }
  }

  disconnect(): void {
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

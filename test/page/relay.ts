import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'

import type { LabNode, LabProcess } from '../../lab/index.ts'

interface Message {
  readonly id: number
  readonly data?: string
  readonly end?: true
}

/** Makes a port on a lab machine's loopback available on this machine's loopback, through the machine's serial line. */
export class Relay implements AsyncDisposable {
  readonly #process: LabProcess
  readonly #sockets = new Map<number, Socket>()
  readonly #server = createServer((socket) => this.#accept(socket))
  #accepted = 0

  private constructor(process: LabProcess) {
    this.#process = process
  }

  static async open(node: LabNode, port: number): Promise<Relay> {
    const relay = new Relay(
      await node.start(['node', '/lab/project/test/page/guest/relay.mjs', String(port)]),
    )
    void relay.#listen()
    await once(relay.#server.listen(0, '127.0.0.1'), 'listening')
    return relay
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  #tell(message: object): void {
    // The machine may be gone.
    this.#process.write(`${JSON.stringify(message)}\n`).catch(() => {})
  }

  #accept(socket: Socket): void {
    const id = ++this.#accepted
    this.#sockets.set(id, socket)
    this.#tell({ id, open: true })
    socket.on('data', (data) => this.#tell({ id, data: data.toString('base64') }))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#sockets.delete(id)) this.#tell({ id, end: true })
    })
  }

  async #listen(): Promise<void> {
    try {
      for await (const line of this.#process.lines()) this.#receive(JSON.parse(line) as Message)
    } catch {
      // The program, or its machine, has ended.
    }
    for (const socket of this.#sockets.values()) socket.destroy()
  }

  #receive({ id, data, end }: Message): void {
    const socket = this.#sockets.get(id)
    if (data !== undefined) socket?.write(Buffer.from(data, 'base64'))
    if (end) {
      this.#sockets.delete(id)
      socket?.end()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets.values()) socket.destroy()
    await this.#process.kill('SIGKILL')
  }
}

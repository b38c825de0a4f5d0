/**
 * Lets one call start per turn of the event loop. The beginning of a call is synchronous (it reads /sys and starts
 * programs). Without this limit, a hundred calls that a kubelet sends after a reboot would block every other caller
 * for seconds, including the registrar that asks for the driver's name.
 */
export class CallPacer {
  #last: Promise<void> = Promise.resolve()

  /** Resolves when the next call may start. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)))
    return this.#last
  }
}

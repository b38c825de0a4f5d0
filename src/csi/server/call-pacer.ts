/**
 * Lets one call begin for each turn of the event loop. What a call does first it does at once (it reads /sys, and starts
 * programs): of a hundred that a kubelet sends after a reboot the last one would keep all others waiting for seconds, also
 * the registrar that asks for a name.
 */
export class CallPacer {
  #last: Promise<void> = Promise.resolve()

  turn(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)))
    return this.#last
  }
}

/** What is known about one write of one block. */
export type Fate =
  /** It has not completed. */
  | 'pending'
  /** The device confirmed it. */
  | 'synced'
  /** It is in memory: the next sync, or a detach that succeeds, confirms it. */
  | 'written'
  /** It completed with an error, or its loss was announced: it may or may not be there. */
  | 'lost'

interface Write {
  readonly sequence: number
  fate: Fate
}

/** The sequence number of a block's contents before anything was written to it. */
export const UNWRITTEN = 0

/** What each block of one volume may contain, given what was written to it and confirmed. */
export class Ledger {
  /** By block, oldest first; the first is what the block contains for certain, if that is certain. */
  readonly #blocks = new Map<number, Write[]>()

  issue(block: number, sequence: number): void {
    this.#of(block).push({ sequence, fate: 'pending' })
  }

  settle(block: number, sequence: number, fate: Exclude<Fate, 'pending'>): void {
    const write = this.#of(block).find((one) => one.sequence === sequence)
    if (!write || write.fate === 'synced') return
    write.fate = fate
    if (fate === 'synced') this.#drop(block, sequence)
  }

  /** Everything in memory is on the device, according to a sync of everything or a detach without force. */
  confirmWritten(): void {
    for (const [block, writes] of this.#blocks)
      for (const { sequence } of writes.filter(({ fate }) => fate === 'written'))
        this.settle(block, sequence, 'synced')
  }

  /** It was announced that unconfirmed data may be lost. */
  excuse(): void {
    for (const writes of this.#blocks.values())
      for (const write of writes) if (write.fate === 'written') write.fate = 'lost'
  }

  /** Something else may have been written there, for a known reason: whatever is there now is accepted. */
  forgive(block: number, sequence: number): void {
    this.#blocks.set(block, [{ sequence, fate: 'synced' }])
  }

  isPending(block: number): boolean {
    return this.#of(block).some(({ fate }) => fate === 'pending')
  }

  get pending(): number {
    return [...this.#blocks.values()].flat().filter(({ fate }) => fate === 'pending').length
  }

  /** What the block may contain now. */
  allowed(block: number): readonly number[] {
    return this.#of(block).map(({ sequence }) => sequence)
  }

  get blocks(): readonly number[] {
    return [...this.#blocks.keys()]
  }

  /** What was confirmed: it must be there, unless a later write has overwritten it. */
  confirmed(block: number): number {
    const [first] = this.#of(block)
    return first?.fate === 'synced' ? first.sequence : UNWRITTEN
  }

  clear(): void {
    this.#blocks.clear()
  }

  #of(block: number): Write[] {
    const known = this.#blocks.get(block)
    if (known) return known
    const fresh: Write[] = [{ sequence: UNWRITTEN, fate: 'synced' }]
    this.#blocks.set(block, fresh)
    return fresh
  }

  /** A confirmed write rules out everything before it. */
  #drop(block: number, sequence: number): void {
    const writes = this.#of(block)
    writes.splice(
      0,
      writes.findIndex((one) => one.sequence === sequence),
    )
  }
}

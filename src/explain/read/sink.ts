/** Receives what a reader of bytes finds. */
export interface Sink {
  /** A line that may be relevant. */
  line(text: string): void
  /** One of a sample of lines that show the time. @returns whether it was recognized */
  sample(text: string, number: number): boolean
  /** A record of fields, or a pair of time and record, that may be relevant. `labels`: of its stream. */
  record(value: unknown, labels: unknown): void
}

/** Processes bytes as they arrive. */
export interface Feed {
  feed(bytes: Buffer): void
  /** @returns the number of lines */
  end(): number
}

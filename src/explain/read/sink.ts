/** What a reader of bytes hands on. */
export interface Sink {
  /** A line that may matter. */
  line(text: string): void
  /** One of some lines that show how time passes. @returns whether it was understood */
  sample(text: string, number: number): boolean
  /** A record of fields, or a pair of time and record, that may matter. `labels`: of the stream that it is in. */
  record(value: unknown, labels: unknown): void
}

/** Takes bytes as they come. */
export interface Feed {
  feed(bytes: Buffer): void
  /** @returns how many lines there were */
  end(): number
}

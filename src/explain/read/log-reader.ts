/** Receives the lines and records that a {@link LogReader} finds. */
export interface Sink {
  /** A line that may be relevant. */
  line(text: string): void
  /**
   * A line that is read only for its time.
   * @param number line number, counted from 1; 0 if it is not known
   * @returns whether the line was recognized
   */
  sample(text: string, number: number): boolean
  /**
   * A record of fields, or a pair of time and record, that may be relevant.
   * @param labels those of its Loki stream, or null
   */
  record(value: unknown, labels: unknown): void
}

/** Reads a log whose bytes arrive in blocks. */
export interface LogReader {
  feed(bytes: Buffer): void
  /** Reads what is left. @returns the number of lines of the log */
  end(): number
}

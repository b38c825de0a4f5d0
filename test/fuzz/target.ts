/** A parser that meets text or bytes which other programs, machines and people have made. */
export interface Target {
  readonly name: string
  /** What it reads, for people. */
  readonly reads: string
  /** Inputs of its language, from which others are made. */
  seeds(): readonly Buffer[]
  /** Words and separators of its language. */
  readonly words: readonly string[]
  /** Longest input that is made, in bytes. @default 4096 */
  readonly longest?: number
  /**
   * Parses the input as the program does, and prints what it prints.
   * @throws only what breaks a promise: errors that the parser documents are caught, and printed
   */
  run(input: Buffer): void | Promise<void>
}

/** A parser of text or bytes from other programs, machines and users. */
export interface Target {
  readonly name: string
  /** Description of what it reads. */
  readonly reads: string
  /** Valid inputs, from which others are made. */
  seeds(): readonly Buffer[]
  /** Words and separators of its language. */
  readonly words: readonly string[]
  /** The longest input that is made, in bytes. @default 4096 */
  readonly longest?: number
  /**
   * Parses the input like the program, and prints what the program prints.
   * @throws only what breaks a promise: errors that the parser documents are caught, and printed
   */
  run(input: Buffer): void | Promise<void>
}

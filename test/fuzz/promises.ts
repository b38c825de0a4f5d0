import { errorText } from '../../src/cli/output/error.ts'
import { PLAIN } from '../../src/cli/output/display.ts'
import { oneLine, printableJson } from '../../src/model/printable.ts'
import { LunkeeperError } from '../../src/model/errors.ts'

/** A promise about hostile input that does not hold. */
export class Broken extends Error {}

// Apart from the printer's own line ends: characters that control a terminal or hide text.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

/** Text that is printed on a terminal. */
export function expectClean(text: string): void {
  const found = CONTROL.exec(text)
  if (found)
    throw new Broken(`a terminal gets ${JSON.stringify(text.slice(found.index - 40, found.index + 5))}`)
}

/** A message of a log or a warning, as the program prints it. */
export function expectOneLine(text: string): void {
  const printed = oneLine(text)
  expectClean(printed)
  if (printed.includes('\n')) throw new Broken(`two lines: ${JSON.stringify(printed)}`)
}

/** Data of `--json`. */
export function expectJson(data: unknown): void {
  const text = printableJson(data)
  expectClean(text)
  if (JSON.stringify(JSON.parse(text)) !== JSON.stringify(data)) throw new Broken('the JSON has other data')
}

export function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Broken(what)
}

/** Does the work; an error with one of our codes is what a user reads, and is printed. @returns null after an error */
export function orRefused<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    return refused(error)
  }
}

/** Like {@link orRefused}, for asynchronous work. */
export async function orRefusedLater<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    return refused(error)
  }
}

function refused(error: unknown): null {
  // INTERNAL is how a bug is reported.
  if (!(error instanceof LunkeeperError) || error.code === 'INTERNAL') throw error
  const printed = errorText(error, PLAIN, true)
  expectClean(printed)
  return null
}

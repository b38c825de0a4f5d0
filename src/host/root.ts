import { LunkeeperError } from '../model/errors.ts'

/**
 * @param what the subject of the message: `detaching a volume`, `--fix`
 * @throws NO_PERMISSION this process does not run as root
 */
export function requireRoot(what: string): void {
  if (process.getuid?.() !== 0) throw new LunkeeperError('NO_PERMISSION', `${what} requires root`)
}

import { LunkeeperError } from '../../model/errors.ts'

/** What was to be repaired is in another state by now. */
export const changed = (what: string) => new LunkeeperError('CONFLICT', `${what}: nothing was changed`)

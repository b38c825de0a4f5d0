import { LunkeeperError } from '../../model/errors.ts'

/** The default name of the CSI driver. */
export const DRIVER = 'iscsi.csi.lunkeeper'

/**
 * Validates the name of a CSI driver: at most 63 characters in the form of a domain name, as the CSI specification
 * requires.
 * @throws USAGE
 */
export function parseDriverName(text: string | undefined): string {
  if (text === undefined) return DRIVER
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/.test(text))
    throw new LunkeeperError('USAGE', `"${text}" is not a valid driver name`, {
      hint: `Use the form of a domain name, for example ${DRIVER}.`,
    })
  return text
}

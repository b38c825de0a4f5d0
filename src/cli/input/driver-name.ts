import { LunkeeperError } from '../../model/errors.ts'

export const DRIVER = 'iscsi.csi.lunkeeper'

/** A CSI driver's name: parts of a domain name, 63 characters at most, as the specification has it. @throws USAGE */
export function parseDriverName(text: string | undefined): string {
  if (text === undefined) return DRIVER
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/.test(text))
    throw new LunkeeperError('USAGE', `"${text}" cannot be the name of a driver`, {
      hint: `It has the form of a domain name, like ${DRIVER}.`,
    })
  return text
}

import type { Branded } from './brand.ts'
import { LunkeeperError } from './errors.ts'

/**
 * A LUN as the kernel numbers it. A target with flat addressing presents LUN 256 as 16640
 * (drivers/scsi/scsi_common.c:scsilun_to_int); the user must then give that larger number.
 */
export type Lun = Branded<number, 'Lun'>

// Two levels of 16 bits are the most that any disk array uses; the kernel truncates the number in a scan request at 16
// characters (scsi_sysfs.c:check_set).
const MAX_LUN = 0xffff_ffff

/** Decimal only: the kernel would read `010` as 8. @throws BAD_LUN */
export function parseLun(text: string | number): Lun {
  const number = typeof text === 'number' ? text : /^(0|[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isInteger(number) || number < 0 || number > MAX_LUN)
    throw new LunkeeperError('BAD_LUN', `"${text}" is not a LUN`)
  return number as Lun
}

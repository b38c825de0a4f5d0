// Documentation/admin-guide/devices.txt: 16 numbers per disk, 16 disks per major number; drivers/scsi/sd.c:sd_major.
const MAJORS = [8, 65, 66, 67, 68, 69, 70, 71, 128, 129, 130, 131, 132, 133, 134, 135]

/**
 * The name of a SCSI disk by its device number: 8:16 is sdb. Null for other devices, and beyond the 256 disks of these
 * majors.
 */
export function diskOfNumber(major: number, minor: number): string | null {
  const block = MAJORS.indexOf(major)
  if (block === -1 || minor > 255) return null
  let index = block * 16 + (minor >> 4)
  let letters = ''
  for (; index >= 0; index = Math.floor(index / 26) - 1)
    letters = String.fromCharCode(97 + (index % 26)) + letters
  return `sd${letters}`
}

import type { Wwid } from './wwid.ts'
import { sameWwid } from './wwid.ts'

/** A volume's identity: VPD page 83, VPD page 80, and its size in bytes. */
export interface Identity {
  readonly wwid: Wwid | null
  readonly serial: string | null
  readonly bytes: number
}

/** The identity that a volume must have; only the known parts. */
export interface ExpectedIdentity {
  readonly wwid?: Wwid | null | undefined
  readonly serial?: string | null | undefined
  readonly bytes?: number | null | undefined
}

/**
 * Why `seen` is not the expected volume; null if it is. An expected part that cannot be read counts as different:
 * where data is at stake, nothing is guessed. A volume may have grown, but must not have shrunk.
 */
export function identityDifference(seen: Identity, expected: ExpectedIdentity): string | null {
  const difference = nameDifference(seen, expected)
  if (difference !== null) return difference
  const { bytes } = expected
  if (bytes && seen.bytes < bytes) return `its size is ${seen.bytes} bytes, not ${bytes}`
  return null
}

/** Like {@link identityDifference}, by WWID and serial only, for when a size is not known or may have changed. */
export function nameDifference(
  seen: Omit<Identity, 'bytes'>,
  { wwid, serial }: ExpectedIdentity,
): string | null {
  if (wwid && !(seen.wwid && sameWwid(seen.wwid, wwid)))
    return `its WWID is ${seen.wwid ?? 'unreadable'}, not ${wwid}`
  if (serial && seen.serial !== serial) return `its serial is ${seen.serial ?? 'unreadable'}, not ${serial}`
  return null
}

/**
 * Whether two disks, or a disk and a record, are the same volume, however each is reached. Only a WWID proves that:
 * it is globally unique, whereas a serial is unique for its vendor at best. Equal WWIDs with different serials are
 * two volumes: LIO derives the WWID from the hexadecimal digits of a serial, so `web-1` and `eb1` have the same
 * one.
 */
export function isSameVolume(a: Omit<Identity, 'bytes'>, b: Omit<Identity, 'bytes'>): boolean {
  if (a.wwid === null || b.wwid === null || !sameWwid(a.wwid, b.wwid)) return false
  return a.serial === null || b.serial === null || a.serial === b.serial
}

/** Whether the kernel takes a disk for another volume, judged by the names that the kernel and the volume both have. */
export function isCachedAsOther(
  cached: Omit<Identity, 'bytes'>,
  { wwid, serial }: Omit<Identity, 'bytes'>,
): boolean {
  const hasOtherWwid = cached.wwid !== null && wwid !== null && !sameWwid(cached.wwid, wwid)
  const hasOtherSerial = cached.serial !== null && serial !== null && cached.serial !== serial
  return hasOtherWwid || hasOtherSerial
}

/** Whether there is anything that distinguishes this volume from another. */
export function isIdentified(identity: Omit<Identity, 'bytes'> & { readonly bytes?: number }): boolean {
  return identity.wwid !== null || identity.serial !== null
}

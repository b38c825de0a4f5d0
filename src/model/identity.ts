import type { Wwid } from './wwid.ts'
import { sameWwid } from './wwid.ts'

/** What a volume says of itself: VPD page 83, VPD page 80, and its size in bytes. */
export interface Identity {
  readonly wwid: Wwid | null
  readonly serial: string | null
  readonly bytes: number
}

/** What the volume must say of itself; only the parts that are known. */
export interface ExpectedIdentity {
  readonly wwid?: Wwid | null | undefined
  readonly serial?: string | null | undefined
  readonly bytes?: number | null | undefined
}

/**
 * Why `seen` is not the volume expected, in words; null where it is.
 * A part that is expected but cannot be read counts as different: nothing is guessed about data.
 * A volume may have grown since, but never shrunk.
 */
export function identityDifference(seen: Identity, expected: ExpectedIdentity): string | null {
  const { wwid, serial, bytes } = expected
  if (wwid && !(seen.wwid && sameWwid(seen.wwid, wwid)))
    return `its WWID is ${seen.wwid ?? 'unreadable'}, not ${wwid}`
  if (serial && seen.serial !== serial) return `its serial is ${seen.serial ?? 'unreadable'}, not ${serial}`
  if (bytes && seen.bytes < bytes) return `its size is ${seen.bytes} bytes, not ${bytes}`
  return null
}

/** Whether there is anything to tell this volume from another by. */
export function isIdentified(identity: Identity): boolean {
  return identity.wwid !== null || identity.serial !== null
}

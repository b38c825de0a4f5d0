import type { Attachment } from '../attachment.ts'
import type { Identity } from '../identity.ts'
import { isSameVolume } from '../identity.ts'

/**
 * The other attachment that has this volume; null if there is none, or if this one takes precedence.
 *
 * A volume belongs to the record that learned its identity first. Two records can both know it if they were written
 * by a version that did not compare them. Then the volume belongs to the record whose disk or map is in the kernel,
 * otherwise to the older one, so that exactly one of the two is attached after a reboot.
 * @param own the record as it was before this attach learned anything
 * @param isHere whether the kernel has a disk or map of an attachment now
 */
export function attachedAs(
  own: Attachment,
  identity: Identity,
  all: readonly Attachment[],
  isHere: (other: Attachment) => boolean,
): Attachment | null {
  const same = all.filter(
    (other) => other.name !== own.name && other.identity !== null && isSameVolume(other.identity, identity),
  )
  return same.find((other) => own.identity === null || isHere(other) || isOlder(other, own)) ?? null
}

function isOlder(a: Attachment, b: Attachment): boolean {
  return a.createdAt === b.createdAt ? a.name < b.name : a.createdAt < b.createdAt
}

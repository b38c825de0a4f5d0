import type { Chap } from '../secret.ts'

/**
 * Whether an address that a SendTargets answer names for a volume's target may be asked who it is, which with CHAP
 * gives it an answer that it can try secrets on. One of the volume's own portals could have that anyway, so
 * what it names counts as its own. Anything else only where no secret is involved, or where the target proves itself
 * before anything is believed. (docs/decisions/0009-chap-answers.md)
 * @param own whether one of the volume's own portals named it
 */
export function mayAskOffered(own: boolean, chap: Chap | null): boolean {
  return own || chap === null || chap.mutual !== null
}

import type { Chap } from '../secret.ts'

/**
 * Whether an address in a SendTargets answer for a volume's target may be asked for its identity, which with CHAP gives
 * it an answer that it can test secrets against. One of the volume's own portals could obtain that anyway, so addresses
 * that it names count as its own. Any other address only if no secret is involved, or if the target proves itself
 * before anything is trusted. (docs/decisions/0009-chap-answers.md)
 * @param own whether one of the volume's own portals named it
 */
export function mayAskOffered(own: boolean, chap: Chap | null): boolean {
  return own || chap === null || chap.mutual !== null
}

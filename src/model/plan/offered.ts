import type { Chap } from '../secret.ts'

/**
 * Whether the agent may ask an address from a SendTargets answer for its identity. With CHAP, asking gives that
 * address a response that it can test secrets against. One of the volume's own portals could obtain such a response
 * anyway, so an address that it names counts as its own. Any other address may be asked only if no secret is
 * involved, or if the target proves its identity before anything is trusted. (docs/decisions/0009-chap-answers.md)
 * @param own whether one of the volume's own portals named it
 */
export function mayAskOffered(own: boolean, chap: Chap | null): boolean {
  return own || chap === null || chap.mutual !== null
}

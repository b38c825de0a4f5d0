import type { Iqn } from '../../../model/iqn.ts'
import type { Portal } from '../../../model/portal.ts'
import { parsePortal } from '../../../model/portal.ts'
import { converse, type Who } from './conversation.ts'

/**
 * The addresses at which a portal says that `iqn` is served: a discovery of our own, which changes no
 * record of open-iscsi.
 * @throws PORTAL_… TARGET_AWAY LOGIN_FAILED CHAP_FAILED CANCELLED
 */
export async function listPortals(who: Omit<Who, 'target'>, iqn: Iqn): Promise<Portal[]> {
  const list = await converse({ ...who, target: null }, (talk) => talk.sendTargets())
  const portals: Portal[] = []
  let current: string | null = null
  for (const [key, value] of list) {
    if (key === 'TargetName') current = value
    // ADDRESS:PORT,TPGT
    else if (key === 'TargetAddress' && current === iqn) portals.push(parsePortal(value.replace(/,\d+$/, '')))
  }
  return portals
}

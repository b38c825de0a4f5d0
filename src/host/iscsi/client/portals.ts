import type { Iqn } from '../../../model/iqn.ts'
import { isLunkeeperError } from '../../../model/errors.ts'
import type { Portal } from '../../../model/portal.ts'
import { parsePortal } from '../../../model/portal.ts'
import { withConnection, type IscsiConnection, type ConnectionOptions } from './connection.ts'

/**
 * The addresses at which a portal says that `iqn` is served: our own discovery, which changes no record of
 * open-iscsi.
 * A target that is listed without an address is served at the portal that was asked (RFC 7143, appendix C).
 * @throws PORTAL_… TARGET_AWAY LOGIN_FAILED CHAP_FAILED CANCELLED
 */
export async function listPortals(who: Omit<ConnectionOptions, 'target'>, iqn: Iqn): Promise<Portal[]> {
  const list = await withConnection({ ...who, target: null }, (talk) => talk.sendTargets())
  return portalsIn(list, iqn, who.portal)
}

/** The addresses of `iqn` in an answer to SendTargets. @param asked the portal that answered */
export function portalsIn(
  list: Awaited<ReturnType<IscsiConnection['sendTargets']>>,
  iqn: Iqn,
  asked: Portal,
): Portal[] {
  const portals: Portal[] = []
  let isNamed = false
  let current: string | null = null
  for (const [key, value] of list) {
    if (key === 'TargetName') current = value
    isNamed ||= current === iqn
    if (key === 'TargetAddress' && current === iqn) portals.push(...addressIn(value))
  }
  return portals.length === 0 && isNamed ? [asked] : portals
}

/** ADDRESS:PORT,TPGT; an address that cannot be parsed does not hide the others. */
function addressIn(value: string): Portal[] {
  try {
    return [parsePortal(value.replace(/,\d+$/, ''))]
  } catch (error) {
    if (!isLunkeeperError(error, 'BAD_PORTAL')) throw error
    return []
  }
}

import { refuseUntrusted, resolveDirectory } from '../../host/fs/mount.ts'
import type { Host } from '../../host/host.ts'
import { resolvePortal } from '../../host/iscsi/reach.ts'
import { readMounts } from '../../host/read/mounts.ts'
import { samePortal } from '../../model/portal.ts'
import type { VolumeRequest } from '../../model/request.ts'
import { cleanPath } from '../../model/request.ts'

/**
 * The request in the kernel's terms: portals by address and without duplicates, the mount point as mountinfo will
 * print it. A host name that does not resolve means one path less, unless it is the last one.
 * @throws PORTAL_UNREACHABLE BAD_MOUNT STUCK
 */
export async function resolveRequest(
  host: Host,
  request: VolumeRequest,
  warn: (message: string) => void,
): Promise<VolumeRequest> {
  const outcomes = await Promise.allSettled(request.portals.map(resolvePortal))
  const resolved = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failures = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as Error] : [],
  )
  if (resolved.length === 0) throw failures[0]!
  for (const { message } of failures) warn(message)
  const portals = resolved.filter(
    (portal, index) => resolved.findIndex((other) => samePortal(portal, other)) === index,
  )
  const { mount } = request.use
  const point = mount && (await resolvePoint(host, cleanPath(mount)))
  return { ...request, portals, use: { ...request.use, mount: point } }
}

/** If something is mounted there already, it is verified or refused, and nothing more is mounted. @throws BAD_MOUNT STUCK */
async function resolvePoint(host: Host, path: string): Promise<string> {
  const point = await resolveDirectory(host, path)
  if (!readMounts(host.paths).some((mount) => mount.point === point)) await refuseUntrusted(host, path)
  return point
}

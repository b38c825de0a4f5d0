import { attachmentName } from '../../../../src/kubernetes/attachment/list.ts'
import type { SeenVolumeAttachment } from '../../../api-server/server.ts'

export const DRIVER = 'iscsi.csi.lunkeeper'

/** As Kubernetes and the external-attacher create it. */
export function made(
  handle: string,
  node: string,
  more: {
    readonly uid?: string
    readonly volume?: string
    readonly attached?: boolean
    readonly nodeId?: string
    readonly createdAt?: string
    readonly deletedAt?: string
    readonly driver?: string
  } = {},
): SeenVolumeAttachment {
  const { uid = `uid-${node}`, volume = 'orders', attached, nodeId = node, driver = DRIVER } = more
  return {
    metadata: {
      name: attachmentName(handle, driver, node),
      uid,
      creationTimestamp: more.createdAt ?? '2026-11-20T22:00:00Z',
      ...(more.deletedAt === undefined ? {} : { deletionTimestamp: more.deletedAt }),
      annotations: { 'csi.alpha.kubernetes.io/node-id': nodeId },
    },
    spec: { attacher: driver, nodeName: node, source: { persistentVolumeName: volume } },
    ...(attached === undefined ? {} : { status: { attached } }),
  }
}

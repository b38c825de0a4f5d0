import type { Place, VolumeModel } from '../model.ts'
import type { Answer } from '../servant.ts'
import type { World } from '../world.ts'

const PLUGIN = '/var/lib/kubelet/plugins/kubernetes.io/csi/iscsi.csi.lunkeeper'
const PODS = '/var/lib/kubelet/pods'

const stagingPath = (volume: string) => `${PLUGIN}/${volume}/globalmount`
const podDirectory = (volume: string) => `${PODS}/pod/volumes/kubernetes.io~csi/${volume}`

/** The path at which a program in a pod has it. */
export const podPath = (volume: string): string => `${podDirectory(volume)}/mount`

const CAPABILITY = { mount: { fsType: 'ext4' }, accessMode: { mode: 'SINGLE_NODE_MULTI_WRITER' } }

/** Stages and publishes a volume like a kubelet. @returns the first call that failed */
export async function publish(
  world: World,
  volume: VolumeModel,
  { target, lun }: Place,
  hold: string,
  serial: string | null,
): Promise<Answer<null>> {
  const { name } = volume
  const { iqn, portals } = world.model.target(target)
  const common = {
    volumeId: name,
    volumeContext: {
      targetPortal: portals[0]!,
      portals: JSON.stringify(portals.slice(1)),
      iqn,
      lun: String(lun),
      hold,
      ...(serial ? { serial } : {}),
    },
    volumeCapability: CAPABILITY,
    stagingTargetPath: stagingPath(name),
  }
  const staged = await world.engine<null>('csi', {
    method: 'nodeStageVolume',
    request: common,
    directory: stagingPath(name),
  })
  if ('error' in staged) return staged
  const published = await world.engine<null>('csi', {
    method: 'nodePublishVolume',
    request: { ...common, targetPath: podPath(name) },
    directory: podDirectory(name),
  })
  volume.published = !('error' in published)
  return published
}

export async function unpublish(world: World, volume: VolumeModel): Promise<Answer<null>> {
  const { name } = volume
  const unpublished = await world.engine<null>('csi', {
    method: 'nodeUnpublishVolume',
    request: { volumeId: name, targetPath: podPath(name) },
    directory: null,
  })
  if ('error' in unpublished) return unpublished
  volume.published = false
  return world.engine<null>('csi', {
    method: 'nodeUnstageVolume',
    request: { volumeId: name, stagingTargetPath: stagingPath(name) },
    directory: null,
  })
}

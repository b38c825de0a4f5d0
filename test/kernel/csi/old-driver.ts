import type { LabNode } from '../../../lab/index.ts'
import { targetPath } from './kubelet.ts'

const PLACE = '/run/iscsi.csi.k8s.io'

export interface OldVolume {
  readonly id: string
  readonly iqn: string
  readonly lun: number
  readonly portals?: readonly string[]
  readonly fs?: string
}

export const statePath = (id: string) => `${PLACE}/iscsi-${id}.json`

/**
 * Leaves what csi-driver-iscsi 0.2.0 leaves after it has published a volume (see docs/kubernetes.md): discovered
 * node records, sessions with every LUN of the target, the disk or multipathd's map mounted directly at the target
 * path, and a state file.
 */
export async function publishAsBefore(node: LabNode, volume: OldVolume, pod: string): Promise<void> {
  const { id, iqn, lun, portals = ['127.0.0.1:3260'], fs = 'ext4' } = volume
  for (const portal of portals)
    await node.sh(
      `iscsiadm -m node -T ${iqn} -p ${portal} -R >/dev/null 2>&1 || :
       iscsiadm -m session 2>/dev/null | grep -q '${portal},.*${iqn} ' && exit 0
       iscsiadm -m discoverydb -t sendtargets -p ${portal} -I default -o new >/dev/null
       iscsiadm -m discoverydb -t sendtargets -p ${portal} -I default --discover >/dev/null
       iscsiadm -m node -T ${iqn} -p ${portal} -l >/dev/null`,
    )
  const links = portals.map((portal) => `/dev/disk/by-path/ip-${portal}-iscsi-${iqn}-lun-${lun}`)
  const map = portals.length > 1 ? 'until lsblk -rno TYPE $links | grep -q mpath; do sleep 0.2; done' : ':'
  const at = targetPath(id, pod)
  const listed = await node.sh(
    `links='${links.join(' ')}'
     for link in $links; do until [ -b $link ]; do sleep 0.1; done; done
     ${map}
     lsblk -rno NAME,HCTL,TYPE,TRAN,SIZE $links`,
  )
  const devices = listed.split('\n').map((line) => {
    const [name = '', hctl = '', type = '', tran = '', size = ''] = line.split(' ')
    return { name, hctl, children: null, type, tran, size }
  })
  const mounted = devices.find(({ type }) => type === 'mpath') ?? devices[0]!
  const path = mounted.type === 'mpath' ? `/dev/mapper/${mounted.name}` : `/dev/${mounted.name}`
  await node.sh(
    `mkdir -p ${PLACE} ${at}; blkid -p ${path} >/dev/null || mkfs.${fs} -q ${path}; mount -t ${fs} -o defaults,rw ${path} ${at}`,
  )
  const secrets = { userName: '', password: '' }
  const state = {
    volume_name: id,
    target_iqn: iqn,
    target_portal: portals,
    lun,
    auth_type: '',
    discovery_secrets: secrets,
    session_secrets: secrets,
    interface: '',
    mount_target_device: mounted,
    devices: devices.filter(({ type }) => type === 'disk'),
    retry_count: 10,
    check_interval: 1,
    do_discovery: true,
    do_chap_discovery: false,
  }
  await node.write(statePath(id), `${JSON.stringify(state)}\n`)
}

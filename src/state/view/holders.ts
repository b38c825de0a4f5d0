import type { Host } from '../../host/host.ts'
import type { Holder } from '../../host/read/holders.ts'
import { holdersOn } from '../../host/read/holders.ts'
import { readAttribute } from '../../host/read/attribute.ts'
import { readMounts } from '../../host/read/mounts.ts'

/** The mounts of a block device that stands on a volume, oldest first. */
export function mountsOfBlock(host: Host, device: string): string[] {
  const devno = readAttribute(`${host.paths.sys}/class/block/${device}/dev`)
  return readMounts(host.paths)
    .filter((mount) => mount.devno === devno)
    .map(({ point }) => point)
}

/** `logical volume vg/lv (dm-1), mounted at /srv`. */
export function describeHolder(host: Host, { device, text }: Holder): string {
  const mounts = mountsOfBlock(host, device)
  return mounts.length > 0 ? `${text}, mounted at ${mounts.join(', ')}` : text
}

/** The devices that must go before these holders can go, with what is mounted on them; what is below comes first. */
export function describeStack(host: Host, holders: readonly Holder[]): string[] {
  const above = holdersOn(
    host.paths,
    holders.map(({ device }) => device),
  )
  return [...holders, ...above].map((holder) => describeHolder(host, holder))
}

/** What ends them, the last one first. */
export function remedyOf(host: Host, holders: readonly Holder[]): string {
  const above = holdersOn(
    host.paths,
    holders.map(({ device }) => device),
  )
  const all = [...holders, ...above].toReversed()
  const unmounts = all.flatMap(({ device }) => mountsOfBlock(host, device)).map((point) => `umount ${point}`)
  const commands = [...unmounts, ...all.flatMap(({ remedy }) => remedy ?? [])]
  return [...new Set(commands)].join('; ')
}

import type { Host } from '../../host/host.ts'
import type { DiskHolder } from '../../host/read/holders.ts'
import { holdersOn } from '../../host/read/holders.ts'
import { readAttribute } from '../../host/read/attribute.ts'
import { withoutCopies } from '../../host/read/mount-copies.ts'
import { readMounts } from '../../host/read/mounts.ts'
import { shellWord } from '../../model/shell.ts'

/** The mounts of a block device on top of a volume, oldest first. */
export function mountsOfBlock(host: Host, device: string): string[] {
  const devno = readAttribute(`${host.paths.sys}/class/block/${device}/dev`)
  const mounts = readMounts(host.paths).filter((mount) => mount.devno === devno)
  return withoutCopies(host.paths, mounts).map(({ point }) => point)
}

/** `logical volume vg/lv (dm-1), mounted at /srv`. */
export function describeHolder(host: Host, { device, text }: DiskHolder): string {
  const mounts = mountsOfBlock(host, device)
  return mounts.length > 0 ? `${text}, mounted at ${mounts.join(', ')}` : text
}

/** The devices that must be removed before these holders can be, with their mounts; lower devices come first. */
export function describeStack(host: Host, holders: readonly DiskHolder[]): string[] {
  const above = holdersOn(
    host.paths,
    holders.map(({ device }) => device),
  )
  return [...holders, ...above].map((holder) => describeHolder(host, holder))
}

/** The commands that remove them, in the order to run them. */
export function remedyOf(host: Host, holders: readonly DiskHolder[]): string {
  const above = holdersOn(
    host.paths,
    holders.map(({ device }) => device),
  )
  const all = [...holders, ...above].toReversed()
  const unmounts = all
    .flatMap(({ device }) => mountsOfBlock(host, device))
    .map((point) => `umount ${shellWord(point)}`)
  const commands = [...unmounts, ...all.flatMap(({ remedy }) => remedy ?? [])]
  return [...new Set(commands)].join('; ')
}

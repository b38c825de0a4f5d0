/** For a file system, a mode that the driver refuses (two nodes that write) comes after those that it accepts. */
const WRITERS_FIRST = ['ReadWriteOncePod', 'ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany']
const READERS_FIRST = ['ReadOnlyMany', 'ReadWriteOncePod', 'ReadWriteOnce', 'ReadWriteMany']
/** A device that was meant for several nodes stays that: the one of a virtual machine that migrates. */
const DEVICE_FIRST = ['ReadWriteMany', 'ReadWriteOncePod', 'ReadWriteOnce', 'ReadOnlyMany']

/**
 * The one access mode that keeps a volume as writable as it was. One alone: an external-attacher takes ReadWriteMany
 * wherever it stands, and refuses ReadOnlyMany beside a mode that writes (csi-lib-utils: accessmodes), while a kubelet takes
 * the first one (pkg/volume/csi: csi_attacher.go). For the in-tree source and `iscsi.csi.k8s.io` the modes have no effect on
 * a mount, and `readOnly` decides.
 */
export function accessModesOf(
  given: readonly string[] | undefined,
  { readOnly, block }: { readonly readOnly: boolean; readonly block: boolean },
): string[] {
  const modes = given?.length ? given : ['ReadWriteOnce']
  const order = readOnly ? READERS_FIRST : block ? DEVICE_FIRST : WRITERS_FIRST
  return modes.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)).slice(0, 1)
}

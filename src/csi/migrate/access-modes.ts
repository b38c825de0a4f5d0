/** For a file system: the mode that the driver refuses (two nodes that write) comes after the modes that it accepts. */
const WRITERS_FIRST = ['ReadWriteOncePod', 'ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany']
const READERS_FIRST = ['ReadOnlyMany', 'ReadWriteOncePod', 'ReadWriteOnce', 'ReadWriteMany']
/** For a block volume: it stays usable on several nodes, as for a virtual machine that is migrated live. */
const DEVICE_FIRST = ['ReadWriteMany', 'ReadWriteOncePod', 'ReadWriteOnce', 'ReadOnlyMany']

/**
 * The one access mode that keeps a volume as writable as it was. Only one is kept, because an external-attacher prefers
 * ReadWriteMany and rejects ReadOnlyMany together with a writable mode (csi-lib-utils: accessmodes), while a kubelet takes the
 * first one (pkg/volume/csi: csi_attacher.go). For the in-tree source and `iscsi.csi.k8s.io` the modes have no effect on a
 * mount; `readOnly` decides.
 */
export function accessModesOf(
  given: readonly string[] | undefined,
  { readOnly, block }: { readonly readOnly: boolean; readonly block: boolean },
): string[] {
  const modes = given?.length ? given : ['ReadWriteOnce']
  const order = readOnly ? READERS_FIRST : block ? DEVICE_FIRST : WRITERS_FIRST
  return modes.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)).slice(0, 1)
}

/** For a file system: a mode that the driver refuses (two nodes that write) comes after those that it accepts. */
const WRITERS_FIRST = ['ReadWriteOncePod', 'ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany']
const READERS_FIRST = ['ReadOnlyMany', 'ReadWriteOncePod', 'ReadWriteOnce', 'ReadWriteMany']

/**
 * The access modes in the order that keeps a volume as writable as it was. For a CSI volume the kubelet takes the first one
 * (pkg/volume/csi: csi_attacher.go); for the in-tree source and `iscsi.csi.k8s.io` the order has no effect and `readOnly`
 * decides.
 */
export function accessModesOf(
  given: readonly string[] | undefined,
  { readOnly, block }: { readonly readOnly: boolean; readonly block: boolean },
): string[] {
  const modes = [...new Set(given?.length ? given : ['ReadWriteOnce'])]
  const order = readOnly ? READERS_FIRST : WRITERS_FIRST
  const rank = (mode: string) =>
    block ? Number((mode === 'ReadOnlyMany') !== readOnly) : order.indexOf(mode)
  return modes.toSorted((a, b) => rank(a) - rank(b))
}

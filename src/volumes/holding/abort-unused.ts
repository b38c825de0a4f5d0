import { abortJournal } from '../../host/fs/mount.ts'
import type { Host } from '../../host/host.ts'
import type { Mount } from '../../model/snapshot.ts'
import type { Provable } from '../../state/proof/prove.ts'
import { proveUnmount, withProof } from '../../state/proof/prove.ts'
import type { Device } from '../../state/view/users.ts'
import { usersOf } from '../../state/view/users.ts'

/**
 * Before the unmount of an ext4 that lost metadata: it gives its journal up, so that the next check replays it. One that a
 * process uses is left as it is: it cannot be unmounted, and is still read.
 * @throws as an unmount: IDENTITY_MISMATCH TARGET_AWAY TIMEOUT …
 */
export async function abortUnused(host: Host, volume: Provable, device: Device, mount: Mount): Promise<void> {
  const { processes, namespaces } = await usersOf(host, [device], [mount.point])
  if (processes.length > 0 || namespaces.length > 0) return
  await withProof(
    () => proveUnmount(host, volume, mount),
    (proof) => abortJournal(host, proof, mount),
  )
}

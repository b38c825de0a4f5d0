import { testWrite } from '../host/fs/test-write.ts'
import type { Host } from '../host/host.ts'
import { readMounts } from '../host/read/mounts.ts'
import type { Attachment } from '../model/attachment.ts'
import { asAsked } from '../model/attachment.ts'
import { isLunkeeperError } from '../model/errors.ts'
import { attach } from '../volumes/attach/attach.ts'
import { proveDevice, withProof } from '../state/proof/prove.ts'
import { unmountProven } from '../state/proof/unmount.ts'
import type { Observer } from '../volumes/step.ts'
import type { Device } from '../state/view/users.ts'
import { describeUsers, mountsOf } from '../state/view/users.ts'

/**
 * After I/O has failed: whether the file system still takes writes, and where it does not, unmounts it,
 * checks it and mounts it again. Only when it is not in use any more.
 * Which volume answers is proven before it is tested, and before it is unmounted: both write.
 * @throws IDENTITY_MISMATCH another volume answers: nothing was done · TARGET_AWAY and others
 * @returns what still stands in the way; null when the volume is as it should be
 */
export async function recover(
  host: Host,
  record: Attachment,
  device: Device,
  options: { readonly observer: Observer; readonly signal: AbortSignal },
): Promise<string | null> {
  const { mount: point, readOnly } = record.request.use
  if (point === null || readOnly) return null
  const mount = readMounts(host.paths).findLast((found) => found.point === point)
  if (mount?.devno === device.devno) {
    const broken = await withProof(
      () => proveDevice(host, record, device),
      (proof) => testWrite(host, proof, point),
    )
    if (broken === null) return null
    // It would go on below them, and could not be remounted.
    const others = mountsOf(host, device).filter((other) => other.point !== point)
    if (others.length > 0)
      return `its file system is broken (${broken}), and must be remounted once it is not in use: it is mounted at ${others.map((other) => other.point).join(', ')}`
    try {
      await unmountProven(host, record, point)
    } catch (error) {
      if (!isLunkeeperError(error, 'BUSY')) throw error
      return `its file system is broken (${broken}), and must be remounted once it is not in use: ${await describeUsers(host, [device], [point])}`
    }
  }
  await attach(host, asAsked(record), options)
  return null
}

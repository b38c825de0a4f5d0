import { lostMetadata } from '../host/fs/lost-metadata.ts'
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
 * After I/O has failed: tests whether the file system still takes writes and has lost nothing of its own. If not, unmounts, checks and mounts it
 * again, once it is no longer in use. Which volume answers is proven before the test and the unmount, because both write.
 * @throws IDENTITY_MISMATCH another volume answers: nothing was done · TARGET_AWAY and others
 * @returns what prevents it; null if the file system is usable
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
      async (proof) => (await testWrite(host, proof, point)) ?? (await lostMetadata(host, proof, device)),
    )
    if (broken === null) return null
    // The file system would live on in these mounts, and could not be remounted.
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
  await attach(host, asAsked(record), { ...options, onlyAgain: true })
  return null
}

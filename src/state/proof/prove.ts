import { sinceBootMs } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import { WriteProof } from '../../host/proof/issue.ts'
import { readHoldMaps } from '../../host/map/hold-map.ts'
import { disksBeneath } from '../../host/read/beneath.ts'
import { isHoldMap, readMap } from '../../host/read/maps.ts'
import { mountsOfSameDevice } from '../../host/read/mount-copies.ts'
import { readLiveConnection } from '../../host/read/sessions.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { BlockRef, Mount, ScsiDisk } from '../../model/snapshot.ts'
import type { Answer, KnownIdentity } from './ask.ts'
import { askDisk } from './ask.ts'
import { fenced, giveUpKey } from './own-keys.ts'
import type { Owned } from './owner-evidence.ts'
import { confirmUnguarded } from './owner-evidence.ts'
import { reclaim, registerSession } from './owner.ts'

/** The parts of a volume that a proof needs. */
export interface Provable extends Owned {
  /** The required identity; null if it is not known: then nothing can be proven. */
  readonly identity: KnownIdentity | null
}

/** How often a proof is requested in total if each expires before its use. */
export const PROOF_ATTEMPTS = 3

/**
 * Proves that these disks are the volume, and that it is this node's: each of them was asked a moment ago. May
 * register this node's key and reserve the volume again.
 * @throws IDENTITY_MISMATCH one is another volume · FENCED another node has it · OWNER_UNKNOWN · TARGET_AWAY LUN_ABSENT
 *   IDENTITY_UNREADABLE STUCK one does not answer
 */
export async function proveDisks(
  host: Host,
  volume: Provable,
  disks: readonly ScsiDisk[],
): Promise<WriteProof> {
  const askedAtMs = sinceBootMs()
  const isOutdated = reconnects(host, disks)
  const answers = await askAndClaim(host, volume, disks)
  const silent = answers.find(({ verdict }) => verdict === 'silent')
  if (silent) throw silent.error!
  return new WriteProof(devnosOf(disks), askedAtMs, isOutdated)
}

/**
 * Proves that a device is the volume, and that it is this node's: every reachable disk beneath it was asked a
 * moment ago, at least one answered, and all answers were right. Disks that do not answer accept no writes now. May
 * register this node's key and reserve the volume again.
 *
 * Not covered: a lost path of multipathd, or of a session that holds I/O itself, if it returns as another volume
 * while the write is under way. A hold map has no such path: it reinstates none without a proof.
 * @throws IDENTITY_MISMATCH another volume answers beneath it · FENCED another node has it · OWNER_UNKNOWN · TARGET_AWAY
 *   LUN_ABSENT IDENTITY_UNREADABLE STUCK
 */
export async function proveDevice(
  host: Host,
  volume: Provable,
  device: Pick<BlockRef, 'devno'>,
): Promise<WriteProof> {
  const askedAtMs = sinceBootMs()
  const beneath = disksBeneath(host.paths, device.devno)
  const isOutdated = reconnects(host, beneath.disks)
  const answers = await askAndClaim(host, volume, beneath.disks)
  if (!answers.some(({ verdict }) => verdict === 'ours'))
    throw (
      answers[0]?.error ?? new LunkeeperError('TARGET_AWAY', `${volume.name}: no path to the volume is left`)
    )
  const devnos = [device.devno, ...beneath.devnos, ...devnosOf(beneath.disks)]
  return new WriteProof(devnos, askedAtMs, isOutdated)
}

/**
 * Proves that an unmount writes to the right volume, or to nothing. Nothing is written if another mount keeps the
 * file system alive, or if its device is gone or has no disk left. Otherwise the volume itself must answer.
 * @throws as {@link proveDevice}
 */
export async function proveUnmount(host: Host, volume: Provable, mount: Mount): Promise<WriteProof> {
  const { devno } = mount
  const isLast = mountsOfSameDevice(host.paths, mount).length < 2
  // Major 0 is not a block device (Documentation/admin-guide/devices.txt).
  const beneath = disksBeneath(host.paths, devno)
  const isUnwritten = !isLast || devno.startsWith('0:') || beneath.isUnreachable
  if (!isUnwritten) return proveDevice(host, volume, mount)
  if (isLast && (await isQueueing(host, beneath.name)))
    throw new LunkeeperError('TARGET_AWAY', `${volume.name}: no path to the volume is left`)
  return new WriteProof([devno], sinceBootMs(), reconnects(host, beneath.disks))
}

/** @returns whether one of the disks' sessions is logged in over another connection than now, or is now and was not */
function reconnects(host: Host, disks: readonly ScsiDisk[]): () => boolean {
  const look = () => disks.map(({ sid }) => readLiveConnection(host.paths, sid))
  const before = look()
  return () => look().some((now, index) => now !== null && now !== before[index])
}

/** Whether a device is a hold map that keeps I/O until it has a disk again: an unmount would wait for that. */
async function isQueueing(host: Host, name: string | null): Promise<boolean> {
  const map = name === null ? null : readMap(host.paths, name)
  return map !== null && isHoldMap(map) && (await readHoldMaps(host)).get(map.name)?.queueing === true
}

/** Runs an act with a proof. If the proof expired before the act began, it is requested again. */
export async function withProof<T>(
  prove: () => Promise<WriteProof>,
  act: (proof: WriteProof) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act(await prove())
    } catch (error) {
      if (!isLunkeeperError(error, 'PROOF_EXPIRED') || attempt >= PROOF_ATTEMPTS) throw error
    }
  }
}

/**
 * Asks all disks which volume they are, and which node owns it. This is more than a question: it registers this
 * node's key for each session that has none yet, and reserves the volume again if the target lost the reservation
 * and the other evidence shows that the volume is this node's ({@link reclaim}).
 * @throws IDENTITY_MISMATCH FENCED OWNER_UNKNOWN · as the commands to the disk: TARGET_AWAY STUCK
 */
async function askAndClaim(host: Host, volume: Provable, disks: readonly ScsiDisk[]): Promise<Answer[]> {
  const { identity, fence } = volume
  const askOne = (disk: ScsiDisk) => askDisk(host, disk, identity, { fence })
  let answers = await Promise.all(disks.map(askOne))
  refuseStrangers(volume, answers)
  await refuseLost(host, volume, answers)
  const unclaimed = answers.find(({ verdict }) => verdict === 'unclaimed')
  if (unclaimed && fence) {
    await reclaim(host, volume, fence, unclaimed.disk)
    answers = await Promise.all(disks.map(askOne))
    refuseStrangers(volume, answers)
    await refuseLost(host, volume, answers)
    const again = answers.find(({ verdict }) => verdict === 'unclaimed')
    if (again) throw again.error!
  }
  const ours = answers.filter(({ verdict }) => verdict === 'ours')
  if (fence)
    for (const { disk, beside } of ours)
      await registerSession(host, volume, fence, disk, { isContested: beside !== undefined })
  else if (ours[0]) await confirmUnguarded(host, volume, ours[0].disk)
  return answers
}

/** @throws FENCED */
async function refuseLost(host: Host, volume: Provable, answers: readonly Answer[]): Promise<void> {
  const lost = answers.filter(({ verdict }) => verdict === 'lost')
  if (lost.length === 0) return
  // A key that this node registered while it was losing the volume would let it write.
  if (volume.fence) for (const { disk } of lost) await giveUpKey(host, volume, volume.fence, disk)
  throw await fenced(host, volume, lost[0]!.disk, lost[0]!.holder!)
}

function refuseStrangers({ name }: Provable, answers: readonly Answer[]): void {
  const stranger = answers.find(({ verdict }) => verdict === 'stranger')
  if (!stranger) return
  throw new LunkeeperError('IDENTITY_MISMATCH', `${name}: ${stranger.error!.message}`, {
    hint: `Nothing was written to it. Map the right volume at this LUN again; or discard unwritten data: lunkeeper detach ${name} --force`,
  })
}

function devnosOf(disks: readonly ScsiDisk[]): string[] {
  return disks.flatMap(({ devno, partitions }) => [devno ?? [], partitions.map((part) => part.devno)].flat())
}

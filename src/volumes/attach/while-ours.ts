import { setTimeout as sleep } from 'node:timers/promises'

import { removeDisk } from '../../host/disk/remove.ts'
import type { Host } from '../../host/host.ts'
import { failPath, setQueueing } from '../../host/map/hold-map.ts'
import { stopQueueing } from '../../host/map/multipath.ts'
import { disksBeneath } from '../../host/read/beneath.ts'
import { isHoldMap, readMap } from '../../host/read/maps.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import { askDisk } from '../../state/proof/ask.ts'
import type { Provable } from '../../state/proof/prove.ts'
import { stoppable } from '../holding/stoppable.ts'

/** As often as the agent asks the disks of a volume in use (src/agent/identity-checks.ts). */
const CHECK_INTERVAL_MS = 5_000
const ANSWER_DEADLINE_MS = 5_000

/**
 * Stops a program that writes for long (e2fsck, mkfs) if another volume answers meanwhile, or if another node takes
 * the volume: nothing more that it has written goes to a disk. A proof covers only the beginning of an act.
 * @param work its wait ends with the signal
 * @throws IDENTITY_MISMATCH FENCED · as the work
 */
export async function whileOurs<T>(
  host: Host,
  volume: Provable,
  device: BlockRef,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return stoppable(work, {
    watch: (over) => firstLoss(host, volume, device, over),
    stop: (reason) =>
      stopIo(host, device).catch((cause: Error) => {
        throw new LunkeeperError(
          reason.code,
          `${reason.message}; its I/O could not be stopped: ${cause.message}`,
          {
            cause,
          },
        )
      }),
    signal,
  })
}

/** Why the device must not be written to any more. */
async function firstLoss(
  host: Host,
  { identity, fence }: Provable,
  device: BlockRef,
  over: AbortSignal,
): Promise<LunkeeperError> {
  const ask = async () => {
    const { disks } = disksBeneath(host.paths, device.devno)
    const answers = await Promise.all(
      disks.map((disk) => askDisk(host, disk, identity, { fence, deadlineMs: ANSWER_DEADLINE_MS })),
    )
    return answers.find(({ verdict }) => verdict === 'stranger' || verdict === 'lost')?.error ?? null
  }
  for (;;) {
    await sleep(CHECK_INTERVAL_MS, undefined, { signal: over })
    // A single odd answer does not count.
    const error = (await ask()) && (await ask())
    if (error) return error
  }
}

/** Whatever is still to be written to the device fails. */
async function stopIo(host: Host, device: BlockRef): Promise<void> {
  const map = readMap(host.paths, device.name)
  const { disks } = disksBeneath(host.paths, device.devno)
  if (map && isHoldMap(map)) {
    for (const { devno } of disks) if (devno !== null) await failPath(host, map, devno)
    return setQueueing(host, map, false)
  }
  // Without paths, a map of multipathd would hold what is to be written.
  if (map) await stopQueueing(host, map).catch(() => {})
  for (const disk of disks) await removeDisk(host, disk)
}

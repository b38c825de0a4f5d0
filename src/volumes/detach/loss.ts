import { setTimeout as sleep } from 'node:timers/promises'

import type { Host } from '../../host/host.ts'
import { mustNotBeWritten, refuseMisplaced } from '../holding/misplaced.ts'
import { removeDisk } from '../../host/disk/remove.ts'
import { stopQueueing } from '../../host/map/multipath.ts'
import { openCount } from '../../host/map/open-count.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { TRANSIENT_MS } from '../../state/view/openers.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import { devicesOf } from '../../state/view/volume.ts'
import { isUdev, mountsOf, usersOf } from '../../state/view/users.ts'
import type { Dismantling } from './dismantle.ts'
import type { VolumeName } from '../../model/name.ts'
import { lossOf } from '../../model/plan/hold-outage.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import type { Judged } from './judge.ts'
import { warnUnrecorded } from './release.ts'
import { unconfirmedOf, refuseLostWrites } from './write-out.ts'

const OPEN_INTERVAL_MS = 200

/**
 * Refuses to continue if data would be lost: the volume is in use, and no path can take its dirty data, or another
 * volume answers, which must not receive it.
 * @throws IDENTITY_MISMATCH FENCED TARGET_AWAY
 */
export async function refuseLoss(work: Dismantling, disks: readonly Judged[]): Promise<void> {
  const { host, found, force } = work
  if (!force && found.record) {
    refuseMisplaced(host, found.record)
    warnDiscarded(work, found.record.name)
  }
  const lost = disks.find(({ verdict }) => verdict === 'lost')
  if (lost && !force) throw fenced(found.name, lost)
  const changed = disks.find(({ verdict }) => verdict === 'changed')
  const unconfirmed = unconfirmedOf(work)
  // A map that has lost its last disk may still hold dirty data.
  const nothing = disks.length === 0 && work.view().maps.length === 0
  if (force || nothing || disks.some(({ verdict }) => verdict === 'ours')) {
    if (changed && !force) throw mismatch(found.name, changed)
    if (nothing) refuseLostWrites(work)
    return
  }
  if (!unconfirmed && !(await isInUse(work, disks))) return
  if (changed) throw mismatch(found.name, changed)
  throw new LunkeeperError(
    'TARGET_AWAY',
    `${found.name} ${unconfirmed ? 'has not confirmed its data' : 'is in use and cannot take its unwritten data'}: ${disks[0]?.error?.message ?? 'no path to it is left'}`,
    {
      hint: `${
        disks.length === 0 && found.record?.phase === 'detaching'
          ? 'When the target is back, run the same attach again, which finds its disk, and then detach'
          : 'Wait until the target is back'
      }; or discard the data: --force loses everything that was written and not yet synced.`,
    },
  )
}

/** Another node owns the volume, and the agent has taken it off this one: what that has cost is said with the success. */
function warnDiscarded({ host, steps }: Dismantling, name: VolumeName): void {
  const note = readHoldNote(host, name)
  if (note?.kind === 'fenced') steps.warn(`${name}: ${note.trouble}; ${lossOf(note.discarded)}`)
}

function fenced(name: string, { error }: Judged): LunkeeperError {
  return new LunkeeperError('FENCED', `${name}: ${error?.message}. Nothing of it is written from here.`, {
    hint: `Stop its users; then take it off this node, without what is unwritten: lunkeeper detach ${name} --force`,
    ...(error ? { details: error.details } : {}),
  })
}

function mismatch(name: string, { disk, error }: Judged): LunkeeperError {
  return new LunkeeperError(
    'IDENTITY_MISMATCH',
    `${name}: another volume answers at ${formatHctl(disk.hctl)}: ${error?.message}. Unmounting would write to that volume.`,
    {
      hint: `Map the right volume at this LUN again; or discard unwritten data: lunkeeper detach ${name} --force drops it and writes nothing.`,
    },
  )
}

/**
 * Whether any program could have written data that is only in memory: a mount, a map's user, an open device. The last user
 * that closes a device waits until the kernel has written all of it out; until then the kernel counts the map as open. A disk
 * without a map cannot be claimed meanwhile.
 */
async function isInUse(work: Dismantling, disks: readonly Judged[]): Promise<boolean> {
  const { host } = work
  const { maps } = work.view()
  const devices = devicesOf(
    maps,
    disks.map(({ disk }) => disk),
  )
  if (devices.some((device) => mountsOf(host, device).length > 0)) return true
  if (maps.some(({ holders }) => holders.length > 0)) return true
  for (const map of maps) if (await staysOpen(host, map)) return true
  const users = await usersOf(host, devices)
  return users.namespaces.length > 0 || users.processes.some((process) => !isUdev(process))
}

/** Programs that read a device for a moment, udev among them, do not count. */
async function staysOpen(host: Host, map: DmMap): Promise<boolean> {
  const end = performance.now() + TRANSIENT_MS
  while ((await openCount(host, map)) > 0) {
    if (performance.now() >= end) return true
    await sleep(OPEN_INTERVAL_MS)
  }
  return false
}

/**
 * With force, and without a path that could take the data: the disks are removed first. All I/O held on them fails
 * immediately, so that nothing afterwards can hang, and nothing is written anywhere.
 * @returns whether this was necessary
 */
export async function discardData(work: Dismantling, disks: readonly Judged[]): Promise<boolean> {
  const { host, steps, removed, found } = work
  const isLeftAlone = found.record === null || !mustNotBeWritten(host, found.record)
  const isWhole =
    disks.some(({ verdict }) => verdict === 'ours') &&
    !disks.some(({ verdict }) => verdict === 'changed' || verdict === 'lost')
  if (isLeftAlone && isWhole) return false
  for (const map of work.view().maps) await stopQueueing(host, map).catch(() => {})
  for (const { session, disk, error } of disks) {
    steps.warn(
      `${disk.name ?? formatHctl(disk.hctl)} was dropped, and its unwritten data is lost: ${error?.message ?? 'another path shows another volume'}`,
    )
    await steps.step('delete-disk', disk.name ?? formatHctl(disk.hctl), () => removeDisk(host, disk))
    removed.disks.push(disk.name ?? formatHctl(disk.hctl))
    if (found.record === null) warnUnrecorded(work, session)
  }
  return true
}

import { setTimeout as sleep } from 'node:timers/promises'

import type { Host } from '../../host/host.ts'
import { mustNotBeWritten, refuseMisplaced } from '../holding/misplaced.ts'
import { removeDisk } from '../../host/disk/remove.ts'
import { findOpeners } from '../../host/disk/openers.ts'
import { waitingProcesses } from '../../host/read/waiting.ts'
import { stopQueueing } from '../../host/map/multipath.ts'
import { openCount } from '../../host/map/open-count.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { isUsedByKernel, TRANSIENT_MS } from '../../state/view/openers.ts'
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

const LOOK_INTERVAL_MS = 200

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
  if (force || nothing || takersOf(work, disks).some(({ verdict }) => verdict === 'ours')) {
    if (changed && !force) throw mismatch(found.name, changed)
    if (nothing) refuseLostWrites(work)
    return
  }
  const use = unconfirmed ? 'has not confirmed its data' : await whyUnwritten(work, disks)
  if (use === null) return warnEnded(work)
  if (changed) throw mismatch(found.name, changed)
  throw new LunkeeperError(
    'TARGET_AWAY',
    `${found.name} ${use}: ${disks[0]?.error?.message ?? 'no path to it is left'}`,
    {
      hint: `${
        disks.length === 0 && found.record?.phase === 'detaching'
          ? 'When the target is back, run the same attach again, which finds its disk, and then detach'
          : 'Wait until the target is back'
      }; or discard the data: --force loses everything that was written and not yet synced.`,
    },
  )
}

/** The disks that can take the dirty data: without a map, only the one that its users have. */
function takersOf({ found, view }: Dismantling, disks: readonly Judged[]): readonly Judged[] {
  if (view().maps.length > 0) return disks
  const used = disks.filter(({ disk }) => `/dev/${disk.name}` === found.record?.device)
  return used.length > 0 ? used : disks
}

/** Another node owns the volume, and the agent has taken it off this one: what that has cost is said with the success. */
function warnDiscarded({ host, steps }: Dismantling, name: VolumeName): void {
  const note = readHoldNote(host, name)
  if (note?.kind === 'fenced') steps.warn(`${name}: ${note.trouble}; ${lossOf(note.discarded)}`)
}

/** A raw volume whose hold ended: its users were told by their own I/O, if they still were there. */
function warnEnded({ host, found: { record }, steps }: Dismantling): void {
  const note = record && readHoldNote(host, record.name)
  if (!record || !note?.ended || record.request.use.mount !== null || record.request.use.readOnly) return
  steps.warn(`${record.name}: its hold ended before its target came back: what was not on it by then is lost`)
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
 * Why a program could have written data that is only in memory: a mount, a map's user, an open device; null if none could. The
 * last user that closes a device waits until the kernel has written all of it out, and has no descriptor any more: the
 * kernel counts the map as open, or a process waits that may be the one.
 */
async function whyUnwritten(work: Dismantling, disks: readonly Judged[]): Promise<string | null> {
  const { host, signal, found } = work
  const { maps } = work.view()
  const devices = devicesOf(
    maps,
    disks.map(({ disk }) => disk),
  )
  const inUse = 'is in use and cannot take its unwritten data'
  if (devices.some((device) => mountsOf(host, device).length > 0)) return inUse
  if (maps.some(({ holders }) => holders.length > 0)) return inUse
  const openMaps = async () => {
    const open = await Promise.all(maps.map((map) => isOpen(host, map)))
    return open.includes(true) ? inUse : null
  }
  if ((await lasting(openMaps, signal)) !== null) return inUse
  const users = await usersOf(host, devices)
  if (users.namespaces.length > 0 || users.processes.some((process) => !isUdev(process))) return inUse
  if (devices.some((device) => isUsedByKernel(host, device))) return inUse
  // The kernel does not tell of a disk how often it is open.
  const isRawDisk = maps.length === 0 && found.record?.device && found.record.request.use.mount === null
  if (!isRawDisk) return null
  return lasting(() => {
    const waiting = waitingProcesses(host.paths).find((one) => !isUdev(one))
    return waiting
      ? `may have data that process ${waiting.pid} (${waiting.command}), which waits in the kernel, has written`
      : null
  }, signal)
}

/** Whether anything but udev has the map open, or waits in the kernel to close it. */
async function isOpen(host: Host, map: DmMap): Promise<boolean> {
  const count = await openCount(host, map)
  if (count === 0) return false
  const openers = await findOpeners(host, [{ name: map.device, devno: map.devno }])
  return count > openers.filter(isUdev).length
}

/** What is found for longer than a moment: programs that look at a device for a moment do not count. */
async function lasting(
  look: () => string | null | Promise<string | null>,
  signal?: AbortSignal,
): Promise<string | null> {
  const end = performance.now() + TRANSIENT_MS
  for (;;) {
    const found = await look()
    if (found === null || performance.now() >= end) return found
    await sleep(LOOK_INTERVAL_MS, undefined, { signal })
  }
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

import { randomUUID } from 'node:crypto'

import { withExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import { checkFs } from '../../host/fs/check.ts'
import { setQueueing } from '../../host/map/hold-map.ts'
import { makeFs } from '../../host/fs/make.ts'
import { makeMountPoint, missingDirectories, mountFs } from '../../host/fs/mount.ts'
import { protectFromWrites, refuseProtected } from '../../host/fs/protect.ts'
import type { Content } from '../../host/fs/probe.ts'
import { isBlank, probeContent } from '../../host/fs/probe.ts'
import { isFsComplete } from '../../host/fs/complete.ts'
import type { Host } from '../../host/host.ts'
import type { WriteProof } from '../../host/proof/proof.ts'
import { isPartitionOfMultipath, readMap } from '../../host/read/maps.ts'
import { mountAt } from '../../host/read/mounts.ts'
import type { DmMap } from '../../model/snapshot.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Begun } from '../../model/plan/use.ts'
import { nextUseStep } from '../../model/plan/use.ts'
import type { VolumeUse } from '../../model/request.ts'
import { whileCarried } from '../holding/while-carried.ts'
import { beginFormatting, endFormatting, readFormatting } from '../formatting.ts'
import { isAgentRunning } from '../../state/records/agent-lock.ts'
import { readDiskMark } from '../../state/proof/ext4-mark.ts'
import { proveDevice, withProof } from '../../state/proof/prove.ts'
import type { Stepper } from '../step.ts'
import type { Device } from '../../state/view/users.ts'
import { describeUsers, mountsOf } from '../../state/view/users.ts'
import { explainDuplicateUuid } from './duplicate-uuid.ts'
import type { Path } from './path.ts'
import { whileOurs } from './while-ours.ts'
import { protectDirectory } from './protect-directory.ts'

export interface UseWork {
  readonly host: Host
  readonly device: Device
  readonly paths: readonly Path[]
  readonly steps: Stepper
  readonly record: () => Attachment
  /** Updates the record durably, before anything that relies on it. */
  readonly note: (change: Partial<Attachment>) => void
}

/**
 * Brings the device to the requested state: a mount, or nothing for a raw device.
 * @returns the type of the mounted file system; null for a raw device
 */
export async function prepareUse(work: UseWork, use: VolumeUse): Promise<string | null> {
  await protect(work, use)
  if (use.mount === null) return bringRaw(work)
  return bringMount(work, { ...use, mount: use.mount })
}

async function protect({ host, device }: UseWork, use: VolumeUse): Promise<void> {
  if (use.readOnly) return protectFromWrites(host, device.name)
  refuseProtected(host, device.name)
}

async function bringRaw({ host, device, paths, record }: UseWork): Promise<null> {
  // The data of a raw user has no signature that could be recognized.
  endFormatting(host, paths[0]!.identity)
  // The device must be unused before it is handed out for the first time; afterwards its user may have it open.
  if (record().phase !== 'ready') await claimed(host, device, async () => {})
  return null
}

async function bringMount(work: UseWork, use: VolumeUse & { readonly mount: string }): Promise<string> {
  const { host, device, steps, record, note, paths } = work
  const { identity } = paths[0]!
  let known = {
    content: null as Content | null,
    blank: null as boolean | null,
    whole: null as boolean | null,
    checked: false,
    directory: false,
    formatted: false,
    mounted: false,
  }
  let unchecked: string | null = null
  for (;;) {
    const mounts = mountsOf(host, device)
    const atPoint = mountAt(host.paths, use.mount)
    const formatting = record().formatting
    const same = atPoint && mounts.find((m) => m.point === atPoint.point && m.devno === atPoint.devno)
    const begun = readFormatting(host, identity)
    const step = nextUseStep({ use, mounts, atPoint: same ?? atPoint, formatting, begun, ...known })
    switch (step.kind) {
      case 'done':
        return atPoint!.fs
      case 'refuse':
        throw await useRefusal(host, device, step)
      case 'look':
        known = { ...known, content: await probe(host, device) }
        // The volume was used since: what is known about it no longer holds, even if that use has ended.
        if (begun && known.content!.type !== null && known.content!.uuid !== begun.uuid)
          endFormatting(host, identity)
        break
      case 'look-closer':
        known = {
          ...known,
          blank: await claimed(host, device, () => isBlank(host, device.name, sizeOf(work))),
        }
        break
      case 'inspect':
        known = {
          ...known,
          whole: await isFsComplete(host, device.name, paths[0]!.disk, known.content!.type!),
        }
        break
      case 'end-format':
        note({ formatting: { fs: begun!.fs, uuid: begun!.uuid } })
        endFormatting(host, identity)
        break
      case 'plan-format':
        await steps.step('plan-format', device.name, () =>
          note({ formatting: { fs: use.fs ?? 'ext4', uuid: begun?.uuid ?? randomUUID() } }),
        )
        break
      case 'format':
        await steps.step('format', `${formatting!.fs} on ${device.name}`, () =>
          format(work, formatting!, begun),
        )
        known = { ...known, content: null, blank: null, formatted: true }
        break
      case 'check':
        unchecked = await steps.step('check', device.name, () =>
          withVolumeProof(work, (proof, signal) =>
            checkFs(host, proof, device, known.content!.type!, signal),
          ),
        )
        if (unchecked !== null) steps.warn(unchecked)
        await noteCheck(work)
        known = { ...known, checked: true }
        break
      case 'make-mount-point': {
        const missing = await missingDirectories(host, use.mount)
        // Recorded before they are created: a crash in between must not leave an unknown directory.
        if (missing.length > 0)
          note({ madeDirectories: [...new Set([...record().madeDirectories, ...missing])] })
        await steps.step('make-mount-point', use.mount, () => makeMountPoint(host, use.mount))
        await protectDirectory(work, use.mount)
        known = { ...known, directory: true }
        break
      }
      case 'mount':
        await steps.step('mount', use.mount, () =>
          withVolumeProof(work, (proof, signal) =>
            mountFs(host, proof, device, use.mount, known.content!.type!, optionsOf(use), signal),
          ).catch(whyUnmountable(work, use, known.content!, unchecked)),
        )
        known = { ...known, mounted: true }
        break
    }
  }
}

/** The check changes the mark. If this attach fails before the mount, the next one must not take that for another node's check. */
async function noteCheck({ host, paths, record, note }: UseWork): Promise<void> {
  const mark = record().mark && (await readDiskMark(host, paths[0]!.disk))
  if (mark) note({ mark })
}

/**
 * Creates the file system. Without a terminal mkfs refuses nothing. So immediately before, it is checked once more
 * what mkfs would destroy: whether the volume is still blank, and which volume answers.
 */
async function format(
  work: UseWork,
  { fs, uuid }: NonNullable<Attachment['formatting']>,
  begun: Begun | null,
): Promise<void> {
  const { host, device, paths } = work
  const looksBlank = () => claimed(host, device, () => isBlank(host, device.name, sizeOf(work)))
  const blank = await looksBlank()
  if (!blank && !(await isLeftOver(work, uuid, begun)))
    throw new LunkeeperError('NOT_BLANK', `${device.name} is no longer blank`)
  const { identity } = paths[0]!
  // The note of an earlier run that did not finish is kept, because the volume has not been proven blank again.
  if (blank) beginFormatting(host, identity, fs, uuid)
  try {
    await withVolumeProof(work, (proof, signal) =>
      makeFs(host, proof, device, fs, uuid, { again: !blank, signal }),
    )
  } catch (error) {
    if (blank && (await looksBlank().catch(() => false))) endFormatting(host, identity)
    throw error
  }
  endFormatting(host, identity)
}

/** Whether the device contains nothing but what an unfinished run of mkfs may have written. */
async function isLeftOver({ host, device }: UseWork, uuid: string, begun: Begun | null): Promise<boolean> {
  if (!begun?.isRecent || begun.uuid !== uuid) return false
  const content = await probe(host, device)
  return content.type === null || content.uuid === uuid
}

const ATTACH_AGAIN = 'Wait until the target is back and accepts writes, then run the same attach again.'

/**
 * Runs an act that writes, after every path has proven to be the volume, and stops it if that changes. A first attach
 * does not wait for a path that is lost meanwhile: the file system is not in use yet, so the act fails, and its program
 * ends. For a volume that was ready, the agent holds I/O and brings the path back; it also asks the paths.
 */
function withVolumeProof<T>(
  { host, device, record }: UseWork,
  act: (proof: WriteProof, signal?: AbortSignal) => Promise<T>,
): Promise<T> {
  return withProof(
    () => proveDevice(host, record(), device),
    async (proof) => {
      const ours = (over?: AbortSignal) =>
        whileOurs(host, record(), device, over, (signal) => act(proof, signal))
      if (record().phase === 'ready') return (await isAgentRunning(host)) ? act(proof) : ours()
      const giveUp = (map: DmMap) => setQueueing(host, map, false)
      return whileCarried(host, device, { hint: ATTACH_AGAIN, giveUp }, ours)
    },
  )
}

function sizeOf({ paths }: UseWork): number {
  return Math.min(...paths.map(({ disk }) => disk.bytes))
}

function optionsOf(use: VolumeUse): string[] {
  return [...(use.readOnly ? ['ro'] : []), ...use.options]
}

/** Why a mount failed, if mount(8) itself only reports that the file system type may be wrong. */
function whyUnmountable(
  { host, device }: UseWork,
  use: VolumeUse,
  content: Content,
  unchecked: string | null,
) {
  return async (error: unknown): Promise<never> => {
    if (!isLunkeeperError(error, 'MOUNT_FAILED')) throw error
    const { message, details } = error
    if (content.type === 'xfs' && !use.options.some((option) => option.split(',').includes('nouuid')))
      await explainDuplicateUuid(host, device.name, content.uuid, error)
    if (unchecked !== null)
      throw new LunkeeperError('MOUNT_FAILED', `${message}; ${unchecked}`, {
        cause: error,
        details,
        hint: 'The kernel of this node is too old for this file system, too: use a node with a newer kernel. The file system is not damaged.',
      })
    if (!use.readOnly) throw error
    throw new LunkeeperError('MOUNT_FAILED', message, {
      cause: error,
      details,
      hint: 'It may not have been unmounted cleanly; a read-only device cannot replay its journal. Attach it once without --read-only; or mount it without replay: --mount-option noload (ext4), norecovery (xfs).',
    })
  }
}

/** What the device contains. @throws BUSY STUCK */
function probe(host: Host, device: Device): Promise<Content> {
  return claimed(host, device, () => probeContent(host, device.name))
}

/** @throws BUSY */
async function claimed<T>(host: Host, device: Device, work: () => Promise<T>): Promise<T> {
  const result = await withExclusiveOpen(host, device.name, async () => ({ value: await work() }), {
    fresh: true,
  })
  if (result !== null) return result.value
  if (!(await isHeldByPartitions(host, device))) throw await busy(host, device)
  return work()
}

/**
 * kpartx creates maps of the partitions of a multipath map. They hold it, but count as users only if they are used.
 */
async function isHeldByPartitions(host: Host, device: Device): Promise<boolean> {
  const holders = readMap(host.paths, device.name)?.holders ?? []
  const parts = holders.map((holder) => readMap(host.paths, holder))
  if (parts.length === 0 || !parts.every((part) => part && isPartitionOfMultipath(part))) return false
  const free = parts.map((part) => withExclusiveOpen(host, part!.device, async () => true))
  return (await Promise.all(free)).every((claim) => claim !== null)
}

async function busy(host: Host, device: Device): Promise<LunkeeperError> {
  return new LunkeeperError('BUSY', `${device.name} is in use: ${await describeUsers(host, [device])}`)
}

export async function useRefusal(
  host: Host,
  device: Device,
  step: Extract<ReturnType<typeof nextUseStep>, { kind: 'refuse' }>,
): Promise<LunkeeperError> {
  const users = step.code === 'BUSY' ? ` (${await describeUsers(host, [device])})` : ''
  return new LunkeeperError(
    step.code,
    `${device.name}: ${step.reason}${users}`,
    step.hint === undefined ? {} : { hint: step.hint },
  )
}

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Worker } from '../worker/worker.ts'
import { WorkerError } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'
import { readAttribute } from '../read/attribute.ts'

/** Opening a device does no I/O except a test for its medium; a lost connection is detected within 10 s. */
const OPEN_DEADLINE_MS = 15_000

/** Longer than another attach, mount(8) or wipefs claims a device to find out whether it is free. */
const MOMENTARY_CLAIM_MS = 2_000
const CLAIM_PAUSE_MS = 50
/** Pauses are doubled up to this one, 8 s in all. */
const MAX_PAUSE_MS = 4_000

/** A device that is open with O_EXCL, so that nothing else can claim it. */
export interface ExclusiveOpen {
  /**
   * Writes all dirty data to the device and waits for its confirmation.
   * @param deadline milliseconds
   * @throws FLUSH_FAILED STUCK PROOF_EXPIRED
   */
  flush(proof: WriteProof, deadline: number): Promise<void>
}

/**
 * Runs `work` with the device open for exclusive use (O_EXCL): no file system, map, RAID or swap has claimed it, in any
 * mount namespace, and none can claim it meanwhile. A program that has it open without claiming it (a virtual machine, dd)
 * is not detected.
 * @param options.fresh the disk was just created, so wait until it can be opened. @default false
 * @param options.patient wait up to 2 s for another claim to end: two attaches of one volume each claim the other's disk
 *   for a moment. @default false
 * @returns null if the device is already claimed
 * @throws NOT_FOUND the device is gone · STUCK, and what `work` throws
 */
export async function withExclusiveOpen<T>(
  host: Host,
  name: string,
  work: (device: ExclusiveOpen) => Promise<T>,
  options: { readonly fresh?: boolean; readonly patient?: boolean } = {},
): Promise<T | null> {
  const path = deviceNode(host, name)
  return host.workers.pin(async (worker) => {
    const claim = () => (options.fresh ? openFresh(worker, path) : open(worker, path))
    if (!(await (options.patient ? patiently(claim) : claim()))) return null
    try {
      return await work({
        async flush(proof, deadline) {
          const devno = readAttribute(join(host.paths.sys, 'class/block', name, 'dev'))
          if (devno === null)
            throw new LunkeeperError('PROOF_EXPIRED', `${path} is gone: nothing was written to it`)
          proof.require(devno)
          await flush(worker, path, deadline)
        },
      })
    } finally {
      if (worker.usable) await worker.call('release', { path }, OPEN_DEADLINE_MS).catch(() => {})
    }
  })
}

async function patiently(claim: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + MOMENTARY_CLAIM_MS
  for (;;) {
    if (await claim()) return true
    if (performance.now() >= end) return false
    await sleep(CLAIM_PAUSE_MS)
  }
}

/**
 * Opens a disk that the kernel is adding. Its name and node exist some milliseconds before it can be opened; until
 * then open(2) fails with ENXIO (block/genhd.c:device_add_disk creates both before bdev_add). No event reports the
 * end of this phase.
 */
async function openFresh(worker: Worker, path: string): Promise<boolean> {
  for (let pause = 1; ; pause *= 2) {
    try {
      return await open(worker, path)
    } catch (error) {
      if (!isLunkeeperError(error, 'NOT_FOUND') || pause > MAX_PAUSE_MS) throw error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

async function open(worker: Worker, path: string): Promise<boolean> {
  try {
    return await worker.call('claim', { path }, OPEN_DEADLINE_MS)
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    if (error.errno === 'ENOENT' || error.errno === 'ENXIO' || error.errno === 'ENODEV')
      throw new LunkeeperError('NOT_FOUND', `${path} is gone or offline`, {
        cause: error,
        details: { errno: error.errno },
      })
    const code = error.errno === 'EACCES' || error.errno === 'EPERM' ? 'NO_PERMISSION' : 'INTERNAL'
    throw new LunkeeperError(code, `${path} cannot be opened: ${error.message}`, { cause: error })
  }
}

async function flush(worker: Worker, path: string, deadline: number): Promise<void> {
  try {
    await worker.call('flush', { path }, deadline)
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    throw new LunkeeperError('FLUSH_FAILED', `${path} did not accept all data: ${error.message}`, {
      cause: error,
      details: { errno: error.errno },
    })
  }
}

import { basename, dirname, join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import { cleanPath } from '../../model/request.ts'
import { WorkerError } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import { DIRECTORY_DEADLINE_MS, mountPointProblem } from './mount.ts'

/** A place where something is mounted for another program: a directory, or a file for a device. */
export type TargetPathKind = 'directory' | 'file'

/**
 * The place as the mount table prints it. Mounts there are not accessed, because they may not answer.
 * @throws BAD_MOUNT STUCK
 */
export async function resolveTargetPath(host: Host, path: string): Promise<string> {
  const clean = cleanPath(path)
  const above = await onHand(host, clean, 'resolve', dirname(clean))
  return join(above, basename(clean))
}

/** @throws BAD_MOUNT something else is there · STUCK */
export async function createTargetPath(host: Host, path: string, kind: TargetPathKind): Promise<void> {
  if (kind === 'file') {
    if (!(await onHand(host, path, 'makeFile', path))) throw unfit(path, 'it is not an empty file')
    return
  }
  const reason = await asUnfit(path, mountPointProblem(host, path))
  if (reason !== null) throw unfit(path, reason)
}

/** Removes the empty directory or file that a mount was on. @throws BAD_MOUNT it is something else · STUCK */
export async function removeTargetPath(host: Host, path: string): Promise<void> {
  if (await onHand(host, path, 'removeDirectory', path)) return
  if (!(await onHand(host, path, 'removeFile', path))) throw unfit(path, 'it is not empty')
}

type PlaceVerb = 'resolve' | 'makeFile' | 'removeDirectory' | 'removeFile'

function onHand<V extends PlaceVerb>(host: Host, place: string, verb: V, path: string) {
  return asUnfit(
    place,
    host.workers.use(null, (worker) => worker.call(verb, { path }, DIRECTORY_DEADLINE_MS)),
  )
}

async function asUnfit<T>(place: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof WorkerError) throw unfit(place, error.message, error)
    throw error
  }
}

function unfit(path: string, reason: string, cause?: unknown): LunkeeperError {
  return new LunkeeperError('BAD_MOUNT', `${path} cannot be used: ${reason}`, { cause })
}

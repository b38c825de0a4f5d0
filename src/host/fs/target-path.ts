import { basename, dirname, join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import { cleanPath } from '../../model/request.ts'
import { callFailed } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import { DIRECTORY_DEADLINE_MS, mountPointProblem } from './mount.ts'

/** What a CSI target path is: a directory for a file system, or a file for a device. */
export type TargetPathKind = 'directory' | 'file'

/**
 * A path as the mount table prints it. A mount at the path is not accessed, because its file system may not answer.
 * @throws BAD_MOUNT STUCK
 */
export async function resolveTargetPath(host: Host, path: string): Promise<string> {
  const clean = cleanPath(path)
  const above = await onWorker(host, clean, 'resolve', dirname(clean))
  return join(above, basename(clean))
}

/** Creates an empty directory or file to mount on. @throws BAD_MOUNT the path exists and is something else · STUCK */
export async function createTargetPath(host: Host, path: string, kind: TargetPathKind): Promise<void> {
  if (kind === 'file') {
    if (!(await onWorker(host, path, 'makeFile', path))) throw badMount(path, 'it is not an empty file')
    return
  }
  const reason = await mountPointProblem(host, path).catch(unusable(path))
  if (reason !== null) throw badMount(path, reason)
}

/** Removes the empty directory or file that was mounted on. @throws BAD_MOUNT it is not empty, or in use · STUCK */
export async function removeTargetPath(host: Host, path: string): Promise<void> {
  if (await onWorker(host, path, 'removeDirectory', path)) return
  if (!(await onWorker(host, path, 'removeFile', path))) throw badMount(path, 'it is not empty')
}

type TargetPathVerb = 'resolve' | 'makeFile' | 'removeDirectory' | 'removeFile'

function onWorker<V extends TargetPathVerb>(host: Host, target: string, verb: V, path: string) {
  return host.workers
    .use(null, (worker) => worker.call(verb, { path }, DIRECTORY_DEADLINE_MS))
    .catch(unusable(target))
}

const unusable = (path: string) => callFailed('BAD_MOUNT', `${path} cannot be used`)

function badMount(path: string, reason: string): LunkeeperError {
  return new LunkeeperError('BAD_MOUNT', `${path} cannot be used: ${reason}`)
}

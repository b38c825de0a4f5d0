import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { dirname, resolve } from 'node:path'

import { makeDirectories } from '../../host/fs/make-directories.ts'
import { isDead } from '../../host/lock/socket.ts'
import { LunkeeperError } from '../../model/errors.ts'

/** Bytes of the path of a socket, without the terminating zero (unix(7)). */
const MAX_PATH_BYTES = 107
const SUFFIX = '.new'

/** The socket's path, from `unix:///path`, `unix:/path` or a plain path. @throws USAGE */
export function parseEndpoint(text: string): string {
  const path = text.replace(/^unix:(?:\/\/(?=\/))?/, '')
  const bad = (reason: string) =>
    new LunkeeperError('USAGE', `"${text}" is not a valid endpoint: ${reason}`, {
      hint: 'Example: --csi-endpoint unix:///var/lib/kubelet/plugins/iscsi.csi.lunkeeper/csi.sock',
    })
  if (/^\w+:\/\//.test(path) || /^unix:\/\/[^/]/.test(text))
    throw bad('only unix sockets are supported, because only the node itself can reach them')
  if (!path.startsWith('/') || path.endsWith('/')) throw bad('it is not an absolute path')
  if (Buffer.byteLength(path + SUFFIX) > MAX_PATH_BYTES)
    throw bad('the path of a socket has at most 103 bytes')
  return resolve(path)
}

/**
 * Makes a server listen at a path to which only root can connect. The socket of a dead process is replaced atomically; a
 * live socket, or another kind of file, is not.
 * @throws CONFLICT another process listens there · USAGE it is not a socket · RECORD_UNWRITABLE
 */
export async function listenAt(server: Server, path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found && !found.isSocket())
    throw new LunkeeperError('USAGE', `${path} exists and is not a socket`, {
      hint: 'Give another path, or move the file away.',
    })
  // Only a refused connection proves that its process is dead; a busy server may have a full queue.
  const conflict = new LunkeeperError('CONFLICT', `another process already serves ${path}`, {
    hint: 'Check whether another driver or agent runs on this node.',
  })
  if (found && !(await isDead(path)) && lstatSync(path, { throwIfNoEntry: false })) throw conflict
  const own = path + SUFFIX
  let isOwn: boolean
  try {
    makeDirectories(dirname(path), 0o755)
    rmSync(own, { force: true })
    await listen(server, own)
    const { ino } = lstatSync(own)
    renameSync(own, path)
    isOwn = lstatSync(path).ino === ino
  } catch (cause) {
    throw new LunkeeperError('RECORD_UNWRITABLE', `${path}: ${(cause as Error).message}`, {
      cause,
      hint: 'Check that the directory is writable and supports sockets.',
    })
  }
  // A process that started at the same moment had put its own socket there, and that socket was renamed.
  if (!isOwn) throw conflict
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  // listen() calls bind(2) before it returns, and the socket's mode follows the umask.
  const umask = process.umask(0o177)
  try {
    server.listen(path, resolve)
  } finally {
    process.umask(umask)
  }
  await promise
  server.off('error', reject)
  chmodSync(path, 0o600)
}

/** Removes the socket, unless another process has replaced it. */
export function removeSocket(path: string, inode: number): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === inode) rmSync(path, { force: true })
}

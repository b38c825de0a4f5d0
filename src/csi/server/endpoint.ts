import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { connect } from 'node:net'
import { dirname, resolve } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'

/** unix(7): 108 bytes, with the zero at the end; a few for the name that it has before it is in its place. */
const LONGEST = 107
const SUFFIX = '.new'

/** The socket's path, from `unix:///path`, `unix:/path` or a path alone. @throws USAGE */
export function parseEndpoint(text: string): string {
  const path = text.replace(/^unix:(?:\/\/(?=\/))?/, '')
  const bad = (reason: string) =>
    new LunkeeperError('USAGE', `"${text}" is no endpoint: ${reason}`, {
      hint: 'Example: --csi-endpoint unix:///var/lib/kubelet/plugins/iscsi.csi.lunkeeper/csi.sock',
    })
  if (/^\w+:\/\//.test(path) || /^unix:\/\/[^/]/.test(text))
    throw bad('only unix sockets are served, which the node alone can reach')
  if (!path.startsWith('/') || path.endsWith('/')) throw bad('it is no absolute path of a socket')
  if (Buffer.byteLength(path + SUFFIX) > LONGEST) throw bad('a socket may have a path of 103 bytes')
  return resolve(path)
}

/**
 * Has a server listen at a path that only root can connect to. What a dead process left there is replaced, in
 * one step; what is alive, or is no socket, is not.
 * @throws CONFLICT somebody listens there · USAGE it is no socket · RECORD_UNWRITABLE
 */
export async function listenAt(server: Server, path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found && !found.isSocket())
    throw new LunkeeperError('USAGE', `${path} is no socket, and stays`, {
      hint: 'Give another path, or move the file away.',
    })
  if (found && (await isAlive(path)))
    throw new LunkeeperError('CONFLICT', `somebody serves ${path} already`, {
      hint: 'Does another driver or agent run on this node?',
    })
  const own = path + SUFFIX
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    rmSync(own, { force: true })
    await listen(server, own)
    renameSync(own, path)
  } catch (cause) {
    throw new LunkeeperError('RECORD_UNWRITABLE', `${path}: ${(cause as Error).message}`, {
      cause,
      hint: 'Can the directory be written, and does it take sockets?',
    })
  }
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  // bind(2) is done in this very call, and takes its mode from here.
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

function isAlive(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(path)
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

/** Removes the socket, unless another has taken its place. */
export function leave(path: string, inode: number): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === inode) rmSync(path, { force: true })
}

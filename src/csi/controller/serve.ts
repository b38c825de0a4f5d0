import { identity } from '../server/identity.ts'
import { logCall, callRunner } from '../server/calls.ts'
import { listenGrpc } from '../server/listen.ts'
import type { FindAttachments } from './publish.ts'
import { Publisher } from './publish.ts'
import { controller } from './routes.ts'

export interface ControllerOptions {
  /** Path of the socket. */
  readonly path: string
  readonly name: string
  readonly version: string
  readonly find: FindAttachments
  /** One line of the log. */
  readonly say: (line: string) => void
}

/**
 * Serves an external-attacher on a unix socket. It needs nothing from a node: no disk, no iSCSI. When disposed of,
 * it removes the socket; the attacher repeats a call that is cut off.
 * @throws CONFLICT USAGE RECORD_UNWRITABLE
 */
export async function serveController(options: ControllerOptions): Promise<AsyncDisposable> {
  const { path, name, version, say } = options
  const publisher = new Publisher(options.find)
  const runCall = callRunner((end) => logCall(say, end))
  const service = await listenGrpc(
    path,
    (router) => {
      identity(router, { name, version }, runCall, () => {})
      controller(router, runCall, publisher)
    },
    async () => {},
  )
  say(`csi: controller of ${name} on ${path}`)
  return service
}

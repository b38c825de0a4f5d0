import type { Account } from '../../kubernetes/api/account.ts'

export interface ControllerSettings {
  /** Path of the CSI socket. */
  readonly endpoint: string
  readonly driver: string
  readonly version: string
  readonly account: Account
}

/** Serves the CSI controller until the signal is aborted. @throws CONFLICT USAGE RECORD_UNWRITABLE */
export async function runController(
  { endpoint, driver, version, account }: ControllerSettings,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { openApi } = await import('../../kubernetes/api/client.ts')
  const { findAttachments } = await import('../../kubernetes/attachment/list.ts')
  const { serveController } = await import('../../csi/controller/serve.ts')
  using api = openApi(account)
  await using _service = await serveController({
    path: endpoint,
    name: driver,
    version,
    say,
    find: (volumeHandle, call) =>
      findAttachments(api, { driver, volumeHandle }, AbortSignal.any([call, signal])),
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (!signal.aborted) await promise
}

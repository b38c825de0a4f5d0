import { monotonicMs } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import type { Account } from '../../kubernetes/api/account.ts'
import { isLunkeeperError } from '../../model/errors.ts'

/**
 * The service account of this pod; null outside of a pod, and without an account. Ownership then depends on the target
 * alone.
 */
export async function podAccountIfAny(): Promise<Account | null> {
  const { podAccount } = await import('../../kubernetes/api/account.ts')
  try {
    return podAccount()
  } catch (error) {
    if (isLunkeeperError(error, 'USAGE')) return null
    throw error
  }
}

/** Makes proofs ask Kubernetes who owns a volume that no reservation at its target guards. */
export async function useKubernetesWitness(
  host: Host,
  account: Account,
  signal: AbortSignal,
): Promise<Disposable> {
  const { openApi } = await import('../../kubernetes/api/client.ts')
  const { AttachmentWitness } = await import('../../kubernetes/attachment/attachment-witness.ts')
  const [api, probeApi] = [openApi(account), openApi(account)]
  const { witnesses } = host
  const witness = new AttachmentWitness(api, probeApi, signal, () => {
    witnesses.backMs = monotonicMs()
    witnesses.onBack?.()
  })
  witnesses.kubernetes = async ({ attachment, uid }) => {
    const answer = await witness.ask({ name: attachment, uid })
    return answer === 'mine' || answer === 'unreachable' ? answer : 'gone'
  }
  return {
    [Symbol.dispose]() {
      witnesses.kubernetes = null
      witness[Symbol.dispose]()
      api[Symbol.dispose]()
      probeApi[Symbol.dispose]()
    },
  }
}

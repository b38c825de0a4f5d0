import type { Api } from '../api/client.ts'
import type { Pod } from '../api/objects.ts'
import { expectStatus } from '../api/api-error.ts'

/**
 * Requests the eviction of a pod, to which its disruption budgets and grace period apply. Another pod that has the same name by
 * now is not affected.
 * @throws ApiError 429: a budget forbids it · 409: it is another pod
 */
export async function evictPod(
  api: Api,
  { namespace, name, uid }: Pod,
  signal: AbortSignal,
): Promise<'evicted' | 'gone'> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: { preconditions: { uid } },
  }
  const { status } = expectStatus(await api.ask({ method: 'POST', path, body }, signal), 404)
  return status === 404 ? 'gone' : 'evicted'
}

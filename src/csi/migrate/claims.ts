import * as z from 'zod/mini'

import type { KubernetesObject, OurClaim } from './persistent-volume.ts'
import type { Replaced } from './plan.ts'

const texts = z.record(z.string(), z.union([z.string(), z.number()]))

/** The parts of an input claim that are kept. The storage class is the volume's: they must agree. */
const oldClaim = z.looseObject({
  kind: z.literal('PersistentVolumeClaim'),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.optional(z.string()),
    labels: z.optional(z.record(z.string(), z.string())),
  }),
  spec: z.looseObject({
    volumeMode: z.optional(z.string()),
    resources: z.optional(z.looseObject({ requests: z.optional(texts) })),
  }),
})

/** The claims of inline volumes, and input claims that were bound to an old volume, each for its new volume. */
export function claimsOf(replaced: readonly Replaced[], objects: readonly KubernetesObject[]): OurClaim[] {
  const given = objects.flatMap((object) => oldClaim.safeParse(object).data ?? [])
  return replaced.flatMap(({ old, claim, volume }) => {
    if (!claim) return []
    const before = given.find(
      ({ metadata }) => metadata.name === claim.name && (metadata.namespace ?? 'default') === claim.namespace,
    )
    if (old !== null && !before) return []
    const { accessModes, capacity, storageClassName, volumeMode } = volume.spec as Readonly<
      Record<string, unknown>
    > & { accessModes?: readonly string[] }
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { ...claim, ...(before?.metadata.labels ? { labels: before.metadata.labels } : {}) },
      spec: {
        // A claim that asks for more than its volume has is not bound to it.
        accessModes,
        ...(volumeMode ? { volumeMode } : {}),
        resources: { requests: before?.spec.resources?.requests ?? capacity },
        storageClassName,
        volumeName: volume.metadata.name,
      },
    }
  })
}

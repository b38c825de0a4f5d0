import * as z from 'zod/mini'

import type { KubernetesObject } from './persistent-volume.ts'

const attachment = z.looseObject({
  kind: z.literal('VolumeAttachment'),
  spec: z.looseObject({ source: z.looseObject({ persistentVolumeName: z.string() }) }),
  status: z.looseObject({ attachmentMetadata: z.record(z.string(), z.string()) }),
})

/** The attributes that drivers gave to the nodes for each PersistentVolume, by its name. They may contain secrets. */
export function attachmentsOf(
  objects: readonly KubernetesObject[],
): ReadonlyMap<string, readonly Readonly<Record<string, string>>[]> {
  const found = objects.flatMap((object) => attachment.safeParse(object).data ?? [])
  const byVolume = Map.groupBy(found, ({ spec }) => spec.source.persistentVolumeName)
  return new Map(
    [...byVolume].map(([name, list]) => [name, list.map(({ status }) => status.attachmentMetadata)]),
  )
}

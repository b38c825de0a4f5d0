import { createHash } from 'node:crypto'

import { splitMountOptions } from '../../model/mount-options.ts'
import { accessModesOf } from './access-modes.ts'
import type { Note, OurSource, OurVolume, PersistentVolume } from './persistent-volume.ts'

const SUFFIX = '-lunkeeper'
/** RFC 1123, as Kubernetes requires for names of objects. */
const MAX_NAME_LENGTH = 253

/** Kubernetes' annotations from before the fields existed; if both are present, the annotation wins. */
const STORAGE_CLASS = 'volume.beta.kubernetes.io/storage-class'
const MOUNT_OPTIONS = 'volume.beta.kubernetes.io/mount-options'

/** The whole PersistentVolume, with every part of the old one that is still meaningful. */
export function newVolume(
  { metadata, spec, status }: PersistentVolume,
  csi: OurSource,
  note: Note,
): OurVolume {
  const { capacity, volumeMode, nodeAffinity, claimRef } = spec
  const accessModes = accessModesOf(spec.accessModes ?? [], {
    readOnly: csi.readOnly ?? false,
    block: volumeMode === 'Block',
  })
  const mountOptions = mountOptionsOf(metadata.annotations?.[MOUNT_OPTIONS], spec.mountOptions ?? [])
  const phase = status?.phase
  if (claimRef?.name)
    note(
      phase === 'Released'
        ? `its claim ${claimRef.namespace}/${claimRef.name} was deleted (the volume is Released). The new volume is reserved for a claim of that name; remove claimRef to allow any other`
        : `it is bound to the claim ${claimRef.namespace}/${claimRef.name}: delete the pods and the claim, then create the claim again. The new volume is reserved for it`,
    )
  if (new Set(spec.accessModes).size > 1)
    note(
      `of its access modes ${spec.accessModes?.join(', ')} only ${accessModes[0]} is kept: a volume that is attached has one`,
    )
  if (accessModes[0] === 'ReadWriteMany' && volumeMode !== 'Block')
    note('ReadWriteMany is refused with a file system, because two nodes would destroy it')
  if (accessModes[0] === 'ReadOnlyMany' && !csi.readOnly)
    note(
      'its only access mode is ReadOnlyMany, so it is now mounted read-only. Pods could write before: add ReadWriteOnce if they must',
    )
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: newName(metadata.name),
      ...(metadata.labels ? { labels: metadata.labels } : {}),
    },
    spec: {
      ...(capacity ? { capacity: texts(capacity) } : {}),
      accessModes,
      // Independent of the old policy: deleting the object never deletes the data.
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: metadata.annotations?.[STORAGE_CLASS] ?? spec.storageClassName ?? '',
      ...(volumeMode ? { volumeMode } : {}),
      ...(mountOptions.length > 0 ? { mountOptions } : {}),
      ...(nodeAffinity ? { nodeAffinity } : {}),
      ...(claimRef?.name
        ? {
            claimRef: {
              apiVersion: 'v1',
              kind: 'PersistentVolumeClaim',
              namespace: claimRef.namespace,
              name: claimRef.name,
            },
          }
        : {}),
      csi,
    },
  }
}

function texts(quantities: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(quantities).map(([key, value]) => [key, String(value)]))
}

/** Long names are truncated; a hash keeps them distinct. */
function newName(name: string): string {
  if (name.length + SUFFIX.length <= MAX_NAME_LENGTH) return name + SUFFIX
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  const kept = name.slice(0, MAX_NAME_LENGTH - SUFFIX.length - hash.length - 1).replace(/[-.]+$/, '')
  return `${kept}-${hash}${SUFFIX}`
}

function mountOptionsOf(annotation: string | undefined, field: readonly string[]): readonly string[] {
  if (annotation === undefined) return field
  return splitMountOptions(annotation)
    .map((option) => option.trim())
    .filter((option) => option !== '')
}

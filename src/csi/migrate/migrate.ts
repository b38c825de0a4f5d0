import { createHash } from 'node:crypto'

import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { FILE_SYSTEMS } from '../../model/request.ts'
import type { VolumeSource } from '../volume/attributes.ts'
import { parseAttributes } from '../volume/attributes.ts'
import { fromCsi } from './csi-source.ts'
import type { Candidate } from './handles.ts'
import { handlesOf } from './handles.ts'
import type { OldSource } from './in-tree.ts'
import { fromInTree } from './in-tree.ts'
import type { WorkloadPatch } from './inline.ts'
import { inlineVolumes, isWorkload, withSharedClaims } from './inline.ts'
import { newVolume } from './new-volume.ts'
import { attachmentsOf } from './attachments.ts'
import { claimsOf } from './claims.ts'
import type { Note, OurClaim, OurVolume, PersistentVolume } from './persistent-volume.ts'
import { persistentVolume } from './persistent-volume.ts'
import type { KubernetesObject } from './persistent-volume.ts'
import type { PlanStep, Replaced } from './plan.ts'
import { planOf } from './plan.ts'

export interface Migration {
  readonly volumes: readonly OurVolume[]
  /** New claims: for inline volumes of pods, and in place of claims of the input that were bound to an old volume. */
  readonly claims: readonly OurClaim[]
  /** The changes that make workloads use the claims for their inline volumes. */
  readonly patches: readonly WorkloadPatch[]
  /** What could not be carried over, or what the user must do. `volume` is the old volume's name. */
  readonly notes: readonly { readonly volume: string; readonly message: string }[]
  /** The steps of the migration, in order. */
  readonly plan: readonly PlanStep[]
  readonly rollback: readonly PlanStep[]
}

/** An object of the input that can be converted. */
interface Convertible extends OldSource {
  readonly old: PersistentVolume
  readonly parsed: VolumeSource
  readonly inline: boolean
  /** Another volume of the input has the same name. */
  readonly isAmbiguous: boolean
  readonly note: Note
}

/**
 * New PersistentVolumes for the iSCSI volumes of the in-tree source and of other CSI drivers, and for inline volumes of
 * pods: the same LUNs and the same data.
 * @param objects as in a file: PersistentVolumes, workloads, lists of them, anything else
 * @throws BAD_REQUEST there is no volume among them
 */
export function migrate(objects: readonly unknown[], driver: string): Migration {
  const notes: { volume: string; message: string }[] = []
  const noteFor = (volume: string) => (message: string) => void notes.push({ volume, message })
  const flat = objects.flatMap(itemsOf).filter(isObject)
  const inline = withSharedClaims(
    flat
      .filter(({ kind }) => isWorkload(kind))
      .flatMap((object) => inlineVolumes(object, noteFor(`${object.kind} ${nameOf(object)}`))),
    noteFor,
  )
  const inlineByClaim = new Map(inline.map((one) => [`${one.claim.namespace}/${one.claim.name}`, one]))
  const volumes = withoutRepeated(
    flat.filter(({ kind }) => kind === 'PersistentVolume'),
    (name) => noteFor(name),
  )
  const attachments = attachmentsOf(flat)
  const converted: readonly Convertible[] = [
    ...volumes.flatMap(({ object, isAmbiguous }) => {
      const one = convertible(object, driver, attachments.get(nameOf(object)) ?? [], noteFor(nameOf(object)))
      return one ? { ...one, inline: false, isAmbiguous } : []
    }),
    ...[...inlineByClaim.values()].flatMap(({ volume }) => {
      const one = convertible(volume, driver, [], noteFor(nameOf(volume)))
      return one ? { ...one, inline: true, isAmbiguous: false } : []
    }),
  ]
  if (volumes.length === 0 && inline.length === 0 && notes.length === 0)
    throw new LunkeeperError(
      'BAD_REQUEST',
      'The input contains no PersistentVolume and no pod with an iscsi volume',
      {
        hint: 'Pass the output of `kubectl get pv -o yaml`.',
      },
    )
  const existing = volumes.flatMap(({ object }) => existingOf(object, driver) ?? [])
  const handles = handlesOf([
    ...converted.map(({ old, handle, parsed }) => ({ name: old.metadata.name, handle, source: parsed })),
    ...existing,
  ])
  const replaced = converted.map(({ old, source, inline, isAmbiguous, note }, at): Replaced => {
    const { handle: volumeHandle, notes } = handles[at]!
    for (const message of notes) note(message)
    const { claimRef } = old.spec
    const claim =
      claimRef?.name && claimRef.namespace ? { namespace: claimRef.namespace, name: claimRef.name } : null
    return {
      old: inline ? null : old.metadata.name,
      claim,
      volume: newVolume(
        isAmbiguous ? renamed(old, volumeHandle) : old,
        { driver, volumeHandle, ...source },
        inline ? () => {} : note,
      ),
    }
  })
  const isUsed = ({ claim, patch }: (typeof inline)[number]) =>
    replaced.some((one) => one.claim?.name === claim.name && one.claim.namespace === patch.namespace)
  const patches = inline.filter(isUsed).map(({ patch }) => patch)
  const claims = claimsOf(replaced, flat)
  const { steps, rollback } = planOf(replaced, patches, claims)
  return {
    volumes: replaced.map(({ volume }) => volume),
    claims,
    patches,
    notes,
    plan: steps,
    rollback,
  }
}

function itemsOf(object: unknown): readonly unknown[] {
  const { kind, items } = (object ?? {}) as { kind?: unknown; items?: unknown }
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)
    ? // In a typed list, as `kubectl get --raw` prints it, the items have no kind of their own.
      items.flatMap((item: unknown) => itemsOf(kind === 'List' ? item : withKind(item, kind.slice(0, -4))))
    : [object]
}

function withKind(item: unknown, kind: string): unknown {
  return item !== null && typeof item === 'object' && !('kind' in item) ? { ...item, kind } : item
}

function isObject(object: unknown): object is KubernetesObject {
  return object !== null && typeof object === 'object' && 'kind' in object && typeof object.kind === 'string'
}

function nameOf(object: object): string {
  const { metadata } = object as { metadata?: { name?: unknown } }
  return typeof metadata?.name === 'string' ? metadata.name : '(without a name)'
}

/** Merges equal objects with one name. If they differ (an old dump), it is unknown which one is in the cluster. */
function withoutRepeated(
  volumes: readonly KubernetesObject[],
  noteFor: (name: string) => Note,
): readonly { readonly object: KubernetesObject; readonly isAmbiguous: boolean }[] {
  const specOf = (object: KubernetesObject) => JSON.stringify(object['spec'])
  return [...Map.groupBy(volumes, nameOf)].flatMap(([name, all]) => {
    const different = [...new Map(all.map((object) => [specOf(object), object])).values()]
    const isAmbiguous = different.length > 1
    if (isAmbiguous)
      noteFor(name)(
        'the input has different volumes with this name: each has a new name; apply only the one that is in the cluster',
      )
    return different.map((object) => ({ object, isAmbiguous }))
  })
}

/** Null if the volume cannot be converted; the notes give the reason. */
function convertible(
  object: object,
  driver: string,
  attached: readonly Readonly<Record<string, string>>[],
  note: Note,
): Omit<Convertible, 'inline' | 'isAmbiguous'> | null {
  const { data: old, error } = persistentVolume.safeParse(object)
  if (!old) {
    const issue = error.issues[0]
    const reason = issue?.code === 'invalid_type' ? `it must be of type ${issue.expected}` : issue?.message
    note(`left out: ${issue?.path.join('.') || 'the object'}: ${reason}`)
    return null
  }
  const { iscsi, csi } = old.spec
  if (csi?.driver === driver) {
    note(`left out: it already is a volume of ${driver}`)
    return null
  }
  const found = iscsi ? fromInTree(old, note) : csi ? fromCsi(old, attached, note) : null
  if (!found) {
    note('left out: it is not an iSCSI volume in a known format')
    return null
  }
  const { fsType, volumeAttributes } = found.source
  if (fsType && !FILE_SYSTEMS.some((fs) => fs === fsType))
    note(`its file system ${fsType} is not one of ${FILE_SYSTEMS.join(', ')}, so it cannot be mounted`)
  try {
    return { ...found, old, parsed: parseAttributes(volumeAttributes), note }
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    note(`left out: ${error.message}`)
    return null
  }
}

/** A volume that already uses this driver, whose handle is taken. Null for any other object. */
function existingOf(object: object, driver: string): Candidate | null {
  const { csi } = persistentVolume.safeParse(object).data?.spec ?? {}
  if (csi?.driver !== driver) return null
  try {
    const source = parseAttributes(csi.volumeAttributes ?? {})
    return { name: nameOf(object), handle: csi.volumeHandle, source }
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    return null
  }
}

function renamed(old: PersistentVolume, handle: string): PersistentVolume {
  const hash = createHash('sha256').update(handle).digest('hex').slice(0, 8)
  return { ...old, metadata: { ...old.metadata, name: `${old.metadata.name}-${hash}` } }
}

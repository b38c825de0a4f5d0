import { createHash } from 'node:crypto'

import { OLD_DRIVER } from '../old-driver.ts'
import type { Note } from './persistent-volume.ts'

/** Path of the pod template in each kind of workload. A Pod is its own template. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
}

/** Kinds whose pod template cannot be changed. */
const IMMUTABLE = new Set(['Pod', 'Job'])

type Fields = Readonly<Record<string, unknown>>

/** The change that makes a workload use the new claim instead of its inline volume. */
export interface WorkloadPatch {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** The volume in the pod template. */
  readonly volume: string
  readonly claim: string
  /** A strategic merge patch. Null if the workload must be deleted and recreated with the claim. */
  readonly patch: Fields | null
}

export interface InlineVolume {
  /** As if it had been a PersistentVolume, bound to the claim. */
  readonly volume: Fields
  readonly claim: { readonly name: string; readonly namespace: string }
  readonly patch: WorkloadPatch
}

/**
 * One claim for each inline volume of a namespace, even if several workloads have the same one in their templates.
 * Its name does not depend on the order of the input.
 */
export function withSharedClaims(
  volumes: readonly InlineVolume[],
  noteFor: (workload: string) => Note,
): InlineVolume[] {
  const sourceOf = ({ volume, claim }: InlineVolume) => {
    const { iscsi, csi } = fields(volume['spec'])
    return JSON.stringify([claim.namespace, iscsi ?? null, csi ?? null])
  }
  return [...Map.groupBy(volumes, sourceOf).values()].flatMap((same) => {
    const [first, ...more] = same.toSorted((a, b) => (a.claim.name < b.claim.name ? -1 : 1))
    for (const { patch } of more)
      noteFor(`${patch.kind} ${patch.name}`)(
        `its inline volume "${patch.volume}" is the same as that of ${first!.patch.kind} ${first!.patch.name}: both use the claim ${first!.claim.name}. Their pods must run on the same node unless the volume is read-only`,
      )
    return [
      first!,
      ...more.map((one) => ({ ...first!, patch: withClaim(one.patch, one.claim.name, first!.claim.name) })),
    ]
  })
}

function withClaim(patch: WorkloadPatch, old: string, claim: string): WorkloadPatch {
  const changed = JSON.parse(
    JSON.stringify(patch.patch).replaceAll(JSON.stringify(old), JSON.stringify(claim)),
  ) as Fields | null
  return { ...patch, claim, patch: changed }
}

export const isWorkload = (kind: string) => Object.hasOwn(TEMPLATES, kind)

/** The inline iSCSI volumes of a Pod, or of a workload's pod template. */
export function inlineVolumes(object: Fields, note: Note): InlineVolume[] {
  const { kind, metadata } = object as { kind: string; metadata?: Fields }
  const path = TEMPLATES[kind]!
  const template = path.reduce<unknown>((at, key) => fields(at)[key], object)
  const volumes = fields(fields(template)['spec'])['volumes']
  const found = (Array.isArray(volumes) ? volumes.map(fields) : []).filter(
    ({ iscsi, csi }) => iscsi || fields(csi)['driver'] === OLD_DRIVER,
  )
  if (found.length === 0) return []
  const owners = metadata?.['ownerReferences']
  const owner = Array.isArray(owners) && owners.length > 0 ? fields(owners[0]) : null
  if (owner) {
    note(
      `its inline volumes come from the template of ${String(owner['kind'])} ${String(owner['name'])}: change them there`,
    )
    return []
  }
  if (!metadata?.['namespace']) note('it names no namespace: "default" is used for its claims')
  const namespace = String(metadata?.['namespace'] ?? 'default')
  const replicas = fields((object as { spec?: unknown }).spec)['replicas']
  const isSpread = kind === 'DaemonSet' || (typeof replicas === 'number' && replicas > 1)
  const workload = { kind, path, namespace, name: String(metadata?.['name']), isSpread }
  return found.map((volume) => converted(volume, workload, note))
}

function converted(
  volume: Fields,
  workload: {
    kind: string
    path: readonly string[]
    namespace: string
    name: string
    /** Its pods run on several nodes. */
    isSpread: boolean
  },
  note: Note,
): InlineVolume {
  const { kind, path, namespace, name, isSpread } = workload
  const volumeName = String(volume['name'])
  const hash = createHash('sha256')
    .update([kind, namespace, name, volumeName].join('/'))
    .digest('hex')
    .slice(0, 8)
  // A claim is named after its workload; the hash avoids collisions with existing claims.
  const claim = shortened(`${name}-${volumeName}`, 200, hash)
  const iscsi = volume['iscsi'] ? fields(volume['iscsi']) : null
  const csi = volume['csi'] ? fields(volume['csi']) : null
  const withNamespace = (ref: unknown) => (ref ? { ...fields(ref), namespace } : undefined)
  const readOnly = (iscsi ?? csi)!['readOnly'] === true
  note(
    `its inline volume "${volumeName}" becomes the claim ${namespace}/${claim}. The capacity of 1Gi is nominal: Kubernetes does not know the size of the LUN`,
  )
  if (!readOnly && isSpread)
    note(`several replicas on different nodes cannot use its volume "${volumeName}", because it is writable`)
  if (IMMUTABLE.has(kind))
    note(
      `a ${kind} cannot be changed: delete it, and create it again with the claim ${claim} instead of the inline volume`,
    )
  const templateSpec = {
    volumes: [
      { name: volumeName, [iscsi ? 'iscsi' : 'csi']: null, persistentVolumeClaim: { claimName: claim } },
    ],
  }
  return {
    claim: { name: claim, namespace },
    volume: {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: shortened(`${namespace}-${name}-${volumeName}`, 230, hash) },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: [readOnly ? 'ReadOnlyMany' : 'ReadWriteOnce'],
        claimRef: { namespace, name: claim },
        ...(iscsi ? { iscsi: { ...iscsi, secretRef: withNamespace(iscsi['secretRef']) } } : {}),
        ...(csi
          ? {
              csi: {
                ...csi,
                // An ephemeral volume has no handle.
                volumeHandle: '',
                nodePublishSecretRef: withNamespace(csi['nodePublishSecretRef']),
              },
            }
          : {}),
      },
    },
    patch: {
      kind,
      namespace,
      name,
      volume: volumeName,
      claim,
      patch: IMMUTABLE.has(kind)
        ? null
        : path.toReversed().reduce<Fields>((inner, key) => ({ [key]: inner }), { spec: templateSpec }),
    },
  }
}

function fields(value: unknown): Fields {
  return value !== null && typeof value === 'object' ? (value as Fields) : {}
}

/** A part of a DNS subdomain name must not end with "." or "-", wherever the name is cut. */
function shortened(name: string, length: number, hash: string): string {
  return `${name.slice(0, length).replace(/[-.]+$/, '')}-${hash}`
}

import { createHash } from 'node:crypto'

import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { FILE_SYSTEMS } from '../../model/request.ts'
import { parseAttributes } from '../volume/attributes.ts'
import type { OurSource, OurVolume, PersistentVolume } from './persistent-volume.ts'
import { persistentVolume } from './persistent-volume.ts'

/** The driver whose volumes are taken over. */
const OLD_DRIVER = 'iscsi.csi.k8s.io'
/** Where a Secret is looked for that the old volume had none of. */
const NAMESPACE = 'lunkeeper'
/** The specification's bound for an id. */
const LONGEST_ID = 128

export interface Migration {
  readonly volumes: readonly OurVolume[]
  /** What could not be carried over, or has to be done by a person. `volume` is the old one's name. */
  readonly notes: readonly { readonly volume: string; readonly message: string }[]
}

/**
 * New PersistentVolumes for those of the old driver and of the in-tree source, of the same LUNs and with the same
 * data. Nothing else among the objects is looked at.
 * @param objects as they are in a file: PersistentVolumes, lists of them, anything
 * @throws BAD_REQUEST there is none
 */
export function migrate(objects: readonly unknown[], driver: string): Migration {
  const volumes: OurVolume[] = []
  const notes: { volume: string; message: string }[] = []
  for (const object of objects.flatMap(itemsOf)) {
    if (!isVolume(object)) continue
    const { data, error } = persistentVolume.safeParse(object)
    const name = data?.metadata.name ?? nameOf(object)
    const note = (message: string) => notes.push({ volume: name, message })
    if (!data) {
      const issue = error.issues[0]
      note(`left out: ${issue?.path.join('.') || 'it'}: ${issue?.message}`)
      continue
    }
    const source = sourceOf(data, driver, note)
    if (source) volumes.push(volumeOf(data, source, note))
  }
  if (volumes.length === 0 && notes.length === 0)
    throw new LunkeeperError('BAD_REQUEST', 'There is no PersistentVolume in it', {
      hint: 'Give it what `kubectl get pv -o yaml` prints.',
    })
  return { volumes, notes }
}

function itemsOf(object: unknown): readonly unknown[] {
  const { kind, items } = (object ?? {}) as { kind?: unknown; items?: unknown }
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items : [object]
}

function isVolume(object: unknown): object is object {
  return (
    object !== null && typeof object === 'object' && 'kind' in object && object.kind === 'PersistentVolume'
  )
}

function nameOf(object: object): string {
  const { metadata } = object as { metadata?: { name?: unknown } }
  return typeof metadata?.name === 'string' ? metadata.name : '(without a name)'
}

/** Null where the volume is not one that can be taken over; the notes say why. */
function sourceOf(old: PersistentVolume, driver: string, note: (message: string) => void): OurSource | null {
  const { iscsi, csi } = old.spec
  const source = iscsi
    ? fromInTree(old, driver, note)
    : csi?.driver === OLD_DRIVER
      ? fromOldDriver(old, driver, note)
      : null
  if (!source) {
    note('left out: it is no iSCSI volume that this can read')
    return null
  }
  try {
    parseAttributes(source.volumeAttributes)
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    note(`left out: ${error.message}`)
    return null
  }
  if (source.fsType && !FILE_SYSTEMS.some((fs) => fs === source.fsType))
    note(`its file system ${source.fsType} is none of ${FILE_SYSTEMS.join(', ')}, and is not mounted`)
  return source
}

function fromInTree(
  { spec: { iscsi, claimRef } }: PersistentVolume,
  driver: string,
  note: (message: string) => void,
): OurSource {
  const { targetPortal, portals, iqn, lun, fsType, readOnly, secretRef } = iscsi!
  if (iscsi!.iscsiInterface && iscsi!.iscsiInterface !== 'default')
    note(`its interface ${iscsi!.iscsiInterface} is not carried over: sessions are made over TCP`)
  if (iscsi!.initiatorName)
    note(
      `its initiator name ${iscsi!.initiatorName} is not carried over: map the LUN to the nodes' own names`,
    )
  if (iscsi!.chapAuthDiscovery) note('CHAP for discovery is not carried over: nothing is discovered')
  const namespace = secretRef?.namespace ?? claimRef?.namespace
  if (iscsi!.chapAuthSession && !(secretRef && namespace))
    note('it wants CHAP, but names no Secret with a namespace: add nodeStageSecretRef')
  return {
    driver,
    volumeHandle: idOf(iqn, lun),
    ...(fsType ? { fsType } : {}),
    ...(readOnly ? { readOnly: true } : {}),
    volumeAttributes: {
      targetPortal,
      ...(portals?.length ? { portals: JSON.stringify(portals) } : {}),
      iqn,
      lun: String(lun),
    },
    ...(iscsi!.chapAuthSession && secretRef && namespace
      ? { nodeStageSecretRef: { name: secretRef.name, namespace } }
      : {}),
  }
}

function idOf(iqn: string, lun: number): string {
  const id = `${iqn}/lun-${lun}`
  return Buffer.byteLength(id) <= LONGEST_ID ? id : createHash('sha256').update(id).digest('hex')
}

/** Attributes that have no effect here, or must not stand there. */
const LEFT_OUT = new Set(['discovery', 'discoveryCHAPAuth', 'sessionCHAPAuth', 'secret', 'initiatorName'])

function fromOldDriver(
  { metadata, spec: { csi } }: PersistentVolume,
  driver: string,
  note: (message: string) => void,
): OurSource {
  const { volumeHandle, fsType, readOnly, volumeAttributes = {} } = csi!
  const kept = Object.entries(volumeAttributes).filter(([key]) => !LEFT_OUT.has(key) && !key.includes('/'))
  if (volumeAttributes['initiatorName'])
    note('its initiator name is not carried over; the old driver made no use of it either')
  // Never printed: the note says where it is.
  const inAttribute = Boolean(volumeAttributes['secret'])
  const own = inAttribute ? { name: `${metadata.name}-chap`, namespace: NAMESPACE } : null
  if (own)
    note(
      `its CHAP secret stands in the attribute "secret" of the old volume: make the Secret ${own.namespace}/${own.name} with the same keys`,
    )
  const given = csi!.nodeStageSecretRef ?? csi!.nodePublishSecretRef
  const ref = given?.namespace ? { name: given.name, namespace: given.namespace } : own
  return {
    driver,
    volumeHandle,
    ...(fsType ? { fsType } : {}),
    ...(readOnly ? { readOnly: true } : {}),
    volumeAttributes: Object.fromEntries(kept),
    ...(ref ? { nodeStageSecretRef: ref } : {}),
  }
}

const SUFFIX = '-lunkeeper'
/** A name of Kubernetes: RFC 1123, 253 characters. */
const LONGEST_NAME = 253

function volumeOf(
  { metadata, spec }: PersistentVolume,
  csi: OurSource,
  note: (message: string) => void,
): OurVolume {
  const { capacity, accessModes, volumeMode, mountOptions, nodeAffinity, storageClassName, claimRef } = spec
  if (claimRef?.name)
    note(
      `it is bound to the claim ${claimRef.namespace}/${claimRef.name}: delete pods and claim, then make the claim anew; the new volume is kept for it`,
    )
  if (accessModes?.includes('ReadWriteMany') && volumeMode !== 'Block')
    note('ReadWriteMany is refused with a file system: two nodes would destroy it')
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: `${metadata.name.slice(0, LONGEST_NAME - SUFFIX.length)}${SUFFIX}`,
      ...(metadata.labels ? { labels: metadata.labels } : {}),
    },
    spec: {
      ...(capacity ? { capacity } : {}),
      accessModes: accessModes ?? ['ReadWriteOnce'],
      // Whatever it was: what is deleted is the object, never the data.
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: storageClassName ?? '',
      ...(volumeMode ? { volumeMode } : {}),
      ...(mountOptions?.length ? { mountOptions } : {}),
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

import type { Note, OurSource, PersistentVolume } from './persistent-volume.ts'

/** A volume before it gets its new handle. `handle` is its previous one; null if it had none. */
export interface OldSource {
  readonly handle: string | null
  readonly source: Omit<OurSource, 'driver' | 'volumeHandle'>
}

/** Volume of the in-tree iscsi source. */
export function fromInTree({ spec: { iscsi, claimRef } }: PersistentVolume, note: Note): OldSource {
  const {
    targetPortal,
    portals,
    iqn,
    lun,
    fsType,
    readOnly,
    secretRef,
    iscsiInterface,
    initiatorName,
    chapAuthDiscovery,
    chapAuthSession,
  } = iscsi!
  if (iscsiInterface && iscsiInterface !== 'default')
    note(`its interface ${iscsiInterface} is not carried over: sessions use TCP`)
  if (initiatorName)
    note(`its initiator name ${initiatorName} is not carried over: map the LUN to the nodes' own names`)
  if (chapAuthDiscovery) note('CHAP for discovery is not carried over: the driver does no discovery')
  const namespace = secretRef?.namespace ?? claimRef?.namespace
  if (chapAuthSession && !(secretRef && namespace))
    note('it requires CHAP, but names no Secret with a namespace: add nodeStageSecretRef')
  return {
    handle: null,
    source: {
      ...(fsType ? { fsType } : {}),
      ...(readOnly ? { readOnly: true } : {}),
      volumeAttributes: {
        targetPortal,
        ...(portals?.length ? { portals: JSON.stringify(portals) } : {}),
        iqn,
        lun: String(lun),
      },
      ...(chapAuthSession && secretRef && namespace
        ? { nodeStageSecretRef: { name: secretRef.name, namespace } }
        : {}),
    },
  }
}

import { credentialsOf } from '../volume/credentials.ts'
import type { OldSource } from './in-tree.ts'
import type { Note, PersistentVolume } from './persistent-volume.ts'
import { vendorAttributes } from './vendor-attributes.ts'

/** The driver whose attributes are ours as well. */
export const OLD_DRIVER = 'iscsi.csi.k8s.io'

/** Where a Secret is looked for that the old volume had none of. */
const NAMESPACE = 'lunkeeper'

/** Attributes that have no effect here, or must not stand there. */
const LEFT_OUT = new Set(['discovery', 'discoveryCHAPAuth', 'sessionCHAPAuth', 'secret', 'initiatorName'])

/**
 * Of a CSI driver. Null: its attributes do not say which LUN it is.
 * @param attachments what its driver gave to the nodes that have it attached
 */
export function fromCsi(
  old: PersistentVolume,
  attachments: readonly Readonly<Record<string, string>>[],
  note: Note,
): OldSource | null {
  const { driver, volumeHandle, fsType, readOnly } = old.spec.csi!
  const given = old.spec.csi!.volumeAttributes ?? {}
  const volumeAttributes =
    driver === OLD_DRIVER ? ofOldDriver(given, note) : vendorAttributes([given, ...attachments], note)
  if (!volumeAttributes) return null
  const ref = secretOf(old, given['secret'], note)
  return {
    handle: volumeHandle,
    source: {
      ...(fsType ? { fsType } : {}),
      ...(readOnly ? { readOnly: true } : {}),
      volumeAttributes,
      ...(ref ? { nodeStageSecretRef: ref } : {}),
    },
  }
}

function ofOldDriver(given: Readonly<Record<string, string>>, note: Note): Record<string, string> {
  if (given['initiatorName'])
    note('its initiator name is not carried over; the old driver made no use of it either')
  const iface = given['iscsiInterface'] || 'default'
  if (iface !== 'default') note(`its interface ${iface} is not carried over: sessions are made over TCP`)
  const left = (key: string) =>
    LEFT_OUT.has(key) || key.includes('/') || (key === 'iscsiInterface' && iface !== 'default')
  return Object.fromEntries(Object.entries(given).filter(([key]) => !left(key)))
}

function secretOf(
  { metadata, spec: { csi, claimRef } }: PersistentVolume,
  attribute: string | undefined,
  note: Note,
) {
  const given = csi!.nodeStageSecretRef ?? csi!.nodePublishSecretRef
  const namespace = given?.namespace ?? claimRef?.namespace
  if (given && csi!.driver !== OLD_DRIVER)
    note(
      `its Secret ${given.name} was made for ${csi!.driver}: CHAP is read from the keys node.session.auth.username, .password, .username_in and .password_in; give it these, or take nodeStageSecretRef out where there is no CHAP`,
    )
  if (given && namespace) return { name: given.name, namespace }
  if (given) note(`its Secret ${given.name} has no namespace: add nodeStageSecretRef`)
  if (csi!.driver !== OLD_DRIVER || !hasChap(attribute)) return null
  const own = { name: `${metadata.name}-chap`, namespace: NAMESPACE }
  // Never printed: the note says where it is.
  note(
    `its CHAP secret is in the attribute "secret" of the old volume: make the Secret ${own.namespace}/${own.name} with the same keys`,
  )
  return own
}

/** Whether there is anything in it: the old driver's examples have all keys, with empty values. */
function hasChap(attribute: string | undefined): boolean {
  if (!attribute) return false
  try {
    return credentialsOf({}, { secret: attribute }) !== null
  } catch {
    // Not usable as it is; the person who makes the Secret must see to it.
    return true
  }
}

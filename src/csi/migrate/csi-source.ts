import { credentialsOf } from '../volume/credentials.ts'
import type { OldSource } from './in-tree.ts'
import type { Note, PersistentVolume } from './persistent-volume.ts'
import { OLD_DRIVER } from '../old-driver.ts'
import { vendorAttributes } from './vendor-attributes.ts'

/** Namespace of a Secret that the old volume did not name. */
const NAMESPACE = 'lunkeeper'

/** Attributes that have no effect here, or that must not be in an attribute. */
const LEFT_OUT = new Set(['discovery', 'discoveryCHAPAuth', 'sessionCHAPAuth', 'secret', 'initiatorName'])

/**
 * Volume of a CSI driver. Null if its attributes do not identify the LUN.
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
    note('its initiator name is not carried over; the old driver did not use it either')
  const iface = given['iscsiInterface'] || 'default'
  if (iface !== 'default') note(`its interface ${iface} is not carried over: sessions use TCP`)
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
      `its Secret ${given.name} was made for ${csi!.driver}: CHAP is read from the keys node.session.auth.username, .password, .username_in and .password_in. Add these keys, or remove nodeStageSecretRef if CHAP is not used`,
    )
  if (given && namespace) return { name: given.name, namespace }
  if (given) note(`its Secret ${given.name} has no namespace: add nodeStageSecretRef`)
  if (csi!.driver !== OLD_DRIVER || !hasChap(attribute)) return null
  const own = { name: `${metadata.name}-chap`, namespace: NAMESPACE }
  // The secret is never printed: the note says where to find it.
  note(
    `its CHAP secret is in the attribute "secret" of the old volume: create the Secret ${own.namespace}/${own.name} with the same keys`,
  )
  return own
}

/** Whether it has any value: the old driver's examples have all keys, with empty values. */
function hasChap(attribute: string | undefined): boolean {
  if (!attribute) return false
  try {
    return credentialsOf({}, { secret: attribute }) !== null
  } catch {
    // The secret is not valid; the user who creates the Secret must correct it.
    return true
  }
}

import { PersistentVolume } from 'kubernetes-models/v1/PersistentVolume'
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim'

import type { Migration } from './migrate.ts'

/** What the API server would refuse, or what two objects must not have in common. */
export interface CheckFinding {
  /** Kind and name. */
  readonly object: string
  readonly message: string
}

const MODES = new Set(['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'])
/** resource.Quantity, greater than zero. */
const QUANTITY = /^(?!0+(?:\.0*)?\D*$)\d+(?:\.\d*)?(?:[numkMGTPE]|[KMGTPE]i|[eE][-+]?\d+)?$/

/** The produced objects against the API's schema and its rules (pkg/apis/core/validation); nothing is changed. */
export function checkMigration({ volumes, claims }: Pick<Migration, 'volumes' | 'claims'>): CheckFinding[] {
  const findings: CheckFinding[] = []
  const names = new Set<string>()
  const claimed = new Map<string, string>()
  for (const volume of volumes) {
    const object = `PersistentVolume ${volume.metadata.name}`
    const found = (message: string) => void findings.push({ object, message })
    const { spec } = volume
    bySchema(() => new PersistentVolume(volume as never).validate(), found)
    if (names.has(volume.metadata.name)) found('another volume has the same name')
    names.add(volume.metadata.name)
    const { capacity, accessModes, claimRef, volumeMode, mountOptions } = spec as {
      capacity?: Record<string, string>
      accessModes?: readonly string[]
      claimRef?: { namespace?: string; name: string }
      volumeMode?: string
      mountOptions?: readonly string[]
    }
    if (!capacity?.['storage']) found('spec.capacity.storage is missing')
    else if (!QUANTITY.test(capacity['storage'])) found('spec.capacity.storage is not a quantity above 0')
    for (const mode of accessModes ?? [])
      if (!MODES.has(mode)) found(`spec.accessModes: "${mode}" is not an access mode`)
    if (accessModes?.includes('ReadWriteOncePod') && accessModes.length > 1)
      found('spec.accessModes: ReadWriteOncePod cannot be with another mode')
    if (volumeMode && volumeMode !== 'Block' && volumeMode !== 'Filesystem')
      found(`spec.volumeMode: "${volumeMode}" is neither Filesystem nor Block`)
    if (volumeMode === 'Block' && mountOptions?.length)
      found('spec.mountOptions: a block volume is not mounted')
    if (claimRef && !claimRef.namespace) found('spec.claimRef.namespace is missing')
    if (!claimRef) continue
    const claim = `${claimRef.namespace}/${claimRef.name}`
    const other = claimed.get(claim)
    if (other) found(`${other} is kept for the same claim ${claim}`)
    claimed.set(claim, volume.metadata.name)
  }
  for (const claim of claims)
    bySchema(
      () => new PersistentVolumeClaim(claim as never).validate(),
      (message) => void findings.push({ object: `PersistentVolumeClaim ${claim.metadata.name}`, message }),
    )
  return findings
}

function bySchema(validate: () => void, found: (message: string) => void): void {
  try {
    validate()
  } catch (error) {
    found(error instanceof Error ? error.message : String(error))
  }
}

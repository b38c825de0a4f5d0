import { validate as validateVolume } from 'kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolume'
import { validate as validateClaim } from 'kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolumeClaim'

import type { Migration } from './migrate.ts'

/** An object that the API server would reject, or a value that two objects must not share. */
export interface CheckFinding {
  /** Kind and name. */
  readonly object: string
  readonly message: string
}

const MODES = new Set(['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'])
/** resource.Quantity, greater than zero. */
const QUANTITY = /^(?!0+(?:\.0*)?\D*$)\d+(?:\.\d*)?(?:[numkMGTPE]|[KMGTPE]i|[eE][-+]?\d+)?$/

/** Validates the produced objects against the API's schema and rules (pkg/apis/core/validation); changes nothing. */
export function checkMigration({ volumes, claims }: Pick<Migration, 'volumes' | 'claims'>): CheckFinding[] {
  const findings: CheckFinding[] = []
  const names = new Set<string>()
  const claimed = new Map<string, string>()
  for (const volume of volumes) {
    const object = `PersistentVolume ${volume.metadata.name}`
    const found = (message: string) => void findings.push({ object, message })
    const { spec } = volume
    bySchema(validateVolume, volume, found)
    if (names.has(volume.metadata.name)) found('another volume has the same name')
    names.add(volume.metadata.name)
    const { capacity, accessModes, claimRef, volumeMode } = spec as {
      capacity?: Record<string, string>
      accessModes?: readonly string[]
      claimRef?: { namespace?: string; name: string }
      volumeMode?: string
    }
    if (!capacity?.['storage']) found('spec.capacity.storage is missing')
    else if (!QUANTITY.test(capacity['storage'])) found('spec.capacity.storage is not a quantity above 0')
    for (const mode of accessModes ?? [])
      if (!MODES.has(mode)) found(`spec.accessModes: "${mode}" is not an access mode`)
    if (accessModes?.includes('ReadWriteOncePod') && accessModes.length > 1)
      found('spec.accessModes: ReadWriteOncePod cannot be combined with another mode')
    if (volumeMode && volumeMode !== 'Block' && volumeMode !== 'Filesystem')
      found(`spec.volumeMode: "${volumeMode}" is neither Filesystem nor Block`)
    if (claimRef && !claimRef.namespace) found('spec.claimRef.namespace is missing')
    if (!claimRef) continue
    const claim = `${claimRef.namespace}/${claimRef.name}`
    const other = claimed.get(claim)
    if (other) found(`${other} is reserved for the same claim ${claim}`)
    claimed.set(claim, volume.metadata.name)
  }
  for (const claim of claims)
    bySchema(
      validateClaim,
      claim,
      (message) => void findings.push({ object: `PersistentVolumeClaim ${claim.metadata.name}`, message }),
    )
  return findings
}

/** The generated validators keep their errors as a property of the function. */
interface Validator {
  (data: unknown): boolean
  errors?:
    | readonly { readonly instancePath?: string; readonly message?: string; readonly keyword?: string }[]
    | null
}

function bySchema(validate: Validator, object: unknown, found: (message: string) => void): void {
  if (validate(object)) return
  for (const { instancePath, message, keyword } of validate.errors ?? [])
    found(
      `${(instancePath ?? '').slice(1).replaceAll('/', '.') || 'the object'}: ${message ?? keyword ?? 'not valid'}`,
    )
}

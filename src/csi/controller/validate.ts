import { LunkeeperError } from '../../model/errors.ts'
import { checkRequest } from '../../model/request.ts'
import type { ValidateVolumeCapabilitiesRequest } from '../protocol/csi_pb.js'
import { requireText } from '../node/arguments.ts'
import { grpcError } from '../status.ts'
import { parseAttributes } from '../volume/attributes.ts'
import { parseCapability, unsupported, useOf } from '../volume/capability.ts'
import { credentialsOf } from '../volume/credentials.ts'
import { volumeNameOf } from '../volume/name.ts'

/**
 * Why a volume cannot be used as requested; null if it can. Volumes are pre-provisioned and described by their attributes
 * only, so a volume without attributes is not found. The target is not contacted.
 * @throws NOT_FOUND INVALID_ARGUMENT
 */
export function validate(call: ValidateVolumeCapabilitiesRequest): string | null {
  const volumeId = requireText(call.volumeId, 'volume_id')
  if (call.volumeCapabilities.length === 0) throw grpcError('BAD_REQUEST', 'volume_capabilities is missing')
  const capabilities = call.volumeCapabilities.map((given) => parseCapability(given))
  if (Object.keys(call.volumeContext).length === 0)
    throw grpcError('NOT_FOUND', `${volumeId} has no volume_context, which is required to locate the volume`)
  try {
    const source = parseAttributes(call.volumeContext)
    credentialsOf(call.secrets, call.volumeContext)
    for (const capability of capabilities)
      checkRequest({ ...source, name: volumeNameOf(volumeId), use: useOf(capability, '/staging') })
  } catch (error) {
    if (error instanceof LunkeeperError) return error.message
    throw error
  }
  return capabilities.map(unsupported).find((reason) => reason !== null) ?? null
}

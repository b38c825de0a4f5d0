import { volumeRequest as libraryRequest } from '../../library/volume-request.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { VolumeRequest } from '../../model/request.ts'
import { FILE_SYSTEMS, HOLD_MODES } from '../../model/request.ts'
import type { Values } from '../command.ts'
import type { VOLUME_OPTIONS } from './volume-options.ts'

export type VolumeValues = Values<typeof VOLUME_OPTIONS>
export type VolumeField = keyof VolumeValues

/** Where the values came from, for error messages. */
export interface Origin {
  /** The name of a field for the user: `--iqn`, or `iqn`. */
  field(name: VolumeField): string
  /** Prefix of messages about a field: empty, or `volume.yaml:3: `. */
  place(name: VolumeField): string
  /** The error for all missing fields. */
  missing(names: readonly VolumeField[]): LunkeeperError
}

/** The required fields. */
export const REQUIRED = ['portal', 'iqn', 'lun'] as const

/**
 * Validates and parses all values.
 * @throws USAGE BAD_IQN BAD_PORTAL BAD_LUN BAD_WWID BAD_NAME BAD_HOLD BAD_MOUNT BAD_REQUEST
 */
export function parseVolumeRequest(values: VolumeValues, origin: Origin): VolumeRequest {
  const missing = REQUIRED.filter((name) => values[name] === undefined)
  if (missing.length > 0) throw origin.missing(missing)
  return libraryRequest(
    {
      portal: values.portal!,
      iqn: values.iqn!,
      lun: values.lun!,
      name: values.name,
      wwid: values.wwid,
      serial: values.serial,
      hold: values.hold,
      holdMode: HOLD_MODES.find((mode) => mode === values['hold-mode']),
      mount: values.mount,
      fs: FILE_SYSTEMS.find((fs) => fs === values.fs),
      format: values.format,
      readOnly: values['read-only'],
      mountOptions: values['mount-option'],
      shared: values.shared,
    },
    (option, parse) => withPlace(origin, option, parse),
  )
}

function withPlace<T>(origin: Origin, name: VolumeField, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof LunkeeperError)) throw error
    const { code, message, hint, details } = error
    throw new LunkeeperError(code, origin.place(name) + message, { hint, details, cause: error })
  }
}

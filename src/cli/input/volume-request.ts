import { LunkeeperError } from '../../model/errors.ts'
import { parseHold } from '../../model/hold.ts'
import { parseIqn } from '../../model/iqn.ts'
import { parseLun } from '../../model/lun.ts'
import { parseName } from '../../model/name.ts'
import { parsePortal } from '../../model/portal.ts'
import type { VolumeRequest } from '../../model/request.ts'
import { checkRequest, FILE_SYSTEMS, HOLD_MODES } from '../../model/request.ts'
import { parseWwid } from '../../model/wwid.ts'
import type { Values } from '../command.ts'
import type { VOLUME_OPTIONS } from './volume-options.ts'

export type VolumeValues = Values<typeof VOLUME_OPTIONS>
export type VolumeField = keyof VolumeValues

/** Where the values came from, for error messages. */
export interface Origin {
  /** --iqn, or `iqn`. */
  field(name: VolumeField): string
  /** Prefix of messages about a field: empty, or `volume.yaml:3: `. */
  place(name: VolumeField): string
  /** The error for all missing fields. */
  missing(names: readonly VolumeField[]): LunkeeperError
}

/** The fields without which there is no volume. */
export const REQUIRED = ['portal', 'iqn', 'lun'] as const

/**
 * Validates and parses every value before any of them is used.
 * @throws USAGE BAD_IQN BAD_PORTAL BAD_LUN BAD_WWID BAD_NAME BAD_HOLD BAD_MOUNT BAD_REQUEST
 */
export function volumeRequest(values: VolumeValues, origin: Origin): VolumeRequest {
  const missing = REQUIRED.filter((name) => values[name] === undefined)
  if (missing.length > 0) throw origin.missing(missing)
  const read = <T>(name: VolumeField, parse: (text: string) => T): T | null => {
    const value = values[name]
    return typeof value === 'string' ? placed(origin, name, () => parse(value)) : null
  }
  return checkRequest({
    name: read('name', parseName),
    iqn: read('iqn', parseIqn)!,
    portals: placed(origin, 'portal', () => values.portal!.map(parsePortal)),
    lun: read('lun', parseLun)!,
    expected: { wwid: read('wwid', parseWwid), serial: values.serial ?? null },
    hold: {
      wanted: read('hold', parseHold),
      mode: HOLD_MODES.find((mode) => mode === values['hold-mode']) ?? null,
    },
    use: {
      mount: values.mount ?? null,
      fs: FILE_SYSTEMS.find((fs) => fs === values.fs) ?? null,
      format: values.format ?? false,
      readOnly: values['read-only'] ?? false,
      options: values['mount-option'] ?? [],
    },
    ...(values.shared ? { shared: true } : {}),
  })
}

function placed<T>(origin: Origin, name: VolumeField, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof LunkeeperError)) throw error
    const { code, message, hint, details } = error
    throw new LunkeeperError(code, origin.place(name) + message, { hint, details, cause: error })
  }
}

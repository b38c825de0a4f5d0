import { LunkeeperError } from '../model/errors.ts'
import type { HoldMode } from '../model/hold.ts'
import { parseHold } from '../model/hold.ts'
import { parseIqn } from '../model/iqn.ts'
import { parseLun } from '../model/lun.ts'
import { parseName } from '../model/name.ts'
import { parsePortal } from '../model/portal.ts'
import type { FileSystem, VolumeRequest } from '../model/request.ts'
import { checkRequest, FILE_SYSTEMS, HOLD_MODES } from '../model/request.ts'
import { parseWwid } from '../model/wwid.ts'

/** A volume and its use, in strings and numbers as a user writes them. */
export interface VolumeOptions {
  /**
   * Where the target listens: `HOST`, `HOST:PORT`, an IPv6 address, or `[IPv6]:PORT`. The port defaults to 3260. Several
   * portals are several paths to the same LUN.
   */
  readonly portal: string | readonly string[]
  /** iSCSI name of the target: iqn., eui. or naa. */
  readonly iqn: string
  /** LUN number, as the storage system shows it for this node. */
  readonly lun: number | string
  /**
   * Name of the volume on this node: letters, digits, dots, dashes and underscores; at most 128 characters.
   *
   * @default derived from the end of the target's name and the LUN: `san-lun17`
   */
  readonly name?: string | undefined
  /**
   * Required WWID of the volume, in any form that the kernel, udev or multipath prints: `naa.6001405…`, `36001405…`.
   *
   * @default learned when the volume is first attached, and required from then on
   */
  readonly wwid?: string | undefined
  /**
   * Required serial number of the volume.
   *
   * @default learned when the volume is first attached, and required from then on
   */
  readonly serial?: string | undefined
  /**
   * How long I/O is held during an outage before it fails: seconds as a number, or `300s`, `10m`, `1h`, `2d`, `forever`.
   *
   * @default unchanged if the volume is attached already, otherwise the host's: `10m`
   */
  readonly hold?: number | string | undefined
  /**
   * What holds the I/O: the agent's hold map, the kernel's session, or multipathd.
   *
   * @default unchanged if the volume is attached already, otherwise the host's: 'auto'
   */
  readonly holdMode?: HoldMode | 'auto' | undefined
  /**
   * Where to mount the volume: an absolute path to a directory that is empty or does not exist yet.
   *
   * @default none; the volume is handed out as a raw device
   */
  readonly mount?: string | undefined
  /**
   * The file system that the volume must have, or gets with `format`.
   *
   * @default the existing one; with `format`, 'ext4'
   */
  readonly fs?: FileSystem | undefined
  /**
   * Create a file system if, and only if, the volume is proven to be blank. A volume that contains data is never
   * formatted.
   *
   * @default false
   */
  readonly format?: boolean | undefined
  /**
   * Mount the volume, or open the device, for reading only.
   *
   * @default false
   */
  readonly readOnly?: boolean | undefined
  /**
   * Options of the mount, one per element: `['noatime']`.
   *
   * @default []
   */
  readonly mountOptions?: readonly string[] | undefined
  /**
   * Several nodes use the volume at the same time, with a cluster file system on it or read-only. This node then does
   * not keep other nodes from writing.
   *
   * @default false
   */
  readonly shared?: boolean | undefined
}

/** Options that are parsed from a string, and can have an error of their own. */
export type ParsedOption = 'portal' | 'iqn' | 'lun' | 'name' | 'wwid' | 'hold'

/**
 * Parses every value before any of them is used.
 * @param at runs the parser of one option; a caller that knows where the value is from adds the place to the error
 * @throws BAD_IQN BAD_PORTAL BAD_LUN BAD_WWID BAD_NAME BAD_HOLD BAD_MOUNT BAD_REQUEST
 */
export function volumeRequest(
  options: VolumeOptions,
  at: <T>(option: ParsedOption, parse: () => T) => T = (_, parse) => parse(),
): VolumeRequest {
  const { name, iqn, wwid, serial, lun, hold, holdMode, mount, fs } = options
  return checkRequest({
    name: name === undefined ? null : at('name', () => parseName(name)),
    iqn: at('iqn', () => parseIqn(iqn)),
    portals: at('portal', () => [options.portal].flat().map(parsePortal)),
    lun: at('lun', () => parseLun(lun)),
    expected: {
      wwid: wwid === undefined ? null : at('wwid', () => parseWwid(wwid)),
      serial: serial ?? null,
    },
    hold: {
      wanted: hold === undefined ? null : at('hold', () => parseHold(String(hold))),
      mode: oneOfModes('attach', holdMode),
    },
    use: {
      mount: mount ?? null,
      fs: oneOf('attach', 'fs', FILE_SYSTEMS, fs),
      format: options.format ?? false,
      readOnly: options.readOnly ?? false,
      options: options.mountOptions ?? [],
    },
    ...(options.shared ? { shared: true } : {}),
  })
}

/** @throws BAD_REQUEST */
export function oneOfModes(operation: string, mode: string | undefined): (typeof HOLD_MODES)[number] | null {
  return oneOf(operation, 'holdMode', HOLD_MODES, mode)
}

function oneOf<T extends string>(
  operation: string,
  option: string,
  all: readonly T[],
  value: string | undefined,
): T | null {
  const found = all.find((one) => one === value) ?? null
  if (value !== undefined && found === null)
    throw new LunkeeperError('BAD_REQUEST', `${operation}: "${value}" is not a valid value of ${option}`, {
      hint: `Valid values: ${all.join(', ')}.`,
    })
  return found
}

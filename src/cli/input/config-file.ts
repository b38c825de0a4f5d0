import { isAbsolute } from 'node:path'

import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { parseHold } from '../../model/hold.ts'
import type { SettledRequest } from '../../model/request.ts'
import { HOLD_MODES } from '../../model/request.ts'
import type { Values } from '../command.ts'
import { PLACE_OPTIONS } from '../globals.ts'
import { AGENT_OPTIONS } from './agent-options.ts'
import { whyUnreadable } from '../../model/file-error.ts'
import { readInput } from './input-bytes.ts'
import { HOLD_OPTIONS } from './volume-options.ts'
import type { Fields } from './yaml-fields.ts'
import { readFields } from './yaml-fields.ts'

/** The file has a few lines, and perhaps comments. */
const MAX_BYTES = 1 << 20

/** The fields of the configuration file. */
export const CONFIG_OPTIONS = [...PLACE_OPTIONS, ...AGENT_OPTIONS, ...HOLD_OPTIONS] as const

/** Values for this node that apply if neither a flag nor an environment variable is set. */
export interface Config {
  readonly flags: Values<typeof CONFIG_OPTIONS>
  /** For volumes whose request does not set a hold. */
  readonly hold: Partial<SettledRequest['hold']>
}

/** Fields that are paths. */
const PATHS = ['records', 'runtime', 'http-token-file'] as const

const FIELDS: Fields = {
  options: CONFIG_OPTIONS,
  of: 'the configuration',
  code: 'BAD_CONFIG',
  example: 'Write one field per line, for example "hold: 30m" and "http: 127.0.0.1:9600".',
}

/** Reads the configuration. @throws BAD_CONFIG with the line number */
export async function readConfig(path: string): Promise<Config> {
  const { bytes } = await readInput(path, MAX_BYTES).catch((cause: unknown) => {
    throw new LunkeeperError('BAD_CONFIG', `${path} cannot be read: ${whyUnreadable(cause)}`, { cause })
  })
  return parseConfig(bytes.toString('utf8'), path)
}

export function parseConfig(source: string, path: string): Config {
  const { values, lineOf } = readFields(source, path, FIELDS)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields are made from the same options
  const flags = values as Config['flags']
  for (const name of PATHS) {
    const value = flags[name]
    if (value === undefined || isAbsolute(value)) continue
    throw new LunkeeperError(
      'BAD_CONFIG',
      `${path}:${lineOf(name) ?? 1}: "${name}" cannot be used: "${value}" is not an absolute path`,
      { hint: 'Commands run in different directories: write the path from the root directory.' },
    )
  }
  const { hold, 'hold-mode': mode } = flags
  const known = HOLD_MODES.find((one) => one === mode)
  try {
    return {
      flags,
      hold: { ...(hold === undefined ? {} : { wanted: parseHold(hold) }), ...(known ? { mode: known } : {}) },
    }
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    const { message, hint } = error
    const place = `${path}:${lineOf('hold') ?? 1}`
    throw new LunkeeperError('BAD_CONFIG', `${place}: ${message}`, { hint, cause: error })
  }
}

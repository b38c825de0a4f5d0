import * as z from 'zod'

import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from '../../model/file-error.ts'
import { readInput } from './input-bytes.ts'
import { VOLUME_OPTIONS } from './volume-options.ts'
import type { Origin, VolumeValues } from './volume-request.ts'
import { REQUIRED } from './volume-request.ts'
import type { Fields } from './yaml-fields.ts'
import { readFields, schemaOf } from './yaml-fields.ts'

/** A volume file has a few lines. */
const MAX_BYTES = 1 << 20

/** A volume file: the flags of attach as fields. */
const FIELDS = {
  options: VOLUME_OPTIONS,
  of: 'a volume',
  code: 'BAD_REQUEST',
  example: 'Write one field per line: "portal: 10.0.0.5", "iqn: …" and "lun: 0".',
  required: REQUIRED,
  missing: (names: readonly string[], shown: string) =>
    new LunkeeperError('BAD_REQUEST', `${shown} lacks ${names.join(', ')}`, {
      hint: '`lunkeeper attach --help` lists the fields.',
    }),
} satisfies Fields

/** For editors that complete and validate a volume file. Numbers are accepted where strings are expected. */
export function volumeFileSchema(): VolumeFileSchema {
  const made = z.toJSONSchema(schemaOf(FIELDS), {
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === 'string') delete jsonSchema.minLength
    },
  })
  return { $schema: String(made.$schema), title: 'A volume for lunkeeper attach -f', ...made }
}

export interface VolumeFileSchema {
  readonly $schema?: string
  readonly properties?: unknown
}

/** Reads a volume file. @throws BAD_REQUEST with the line number */
export async function readVolumeFile(path: string): Promise<{ values: VolumeValues; origin: Origin }> {
  const shown = path === '-' ? 'stdin' : path
  const { bytes } = await readInput(path, MAX_BYTES).catch((cause: unknown) => {
    throw new LunkeeperError('BAD_REQUEST', `${shown} cannot be read: ${whyUnreadable(cause)}`, {
      cause,
      hint: 'Give the path of a volume file, or "-" for stdin.',
    })
  })
  return parseVolumeFile(bytes.toString('utf8'), shown)
}

export function parseVolumeFile(source: string, shown: string): { values: VolumeValues; origin: Origin } {
  const { values, lineOf } = readFields(source, shown, FIELDS)
  const origin: Origin = {
    field: (name) => name,
    place: (name) => `${shown}:${lineOf(name) ?? 1}: `,
    missing: (names) => FIELDS.missing(names, shown),
  }
  return { values, origin }
}

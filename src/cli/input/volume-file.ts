import { readFileSync } from 'node:fs'

import * as z from 'zod'

import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from '../../model/file-error.ts'
import { VOLUME_OPTIONS } from './volume-options.ts'
import type { Origin, VolumeValues } from './volume-request.ts'
import { REQUIRED } from './volume-request.ts'
import type { Fields } from './yaml-fields.ts'
import { readFields, schemaOf } from './yaml-fields.ts'

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
export function readVolumeFile(path: string): { values: VolumeValues; origin: Origin } {
  const shown = path === '-' ? 'stdin' : path
  return parseVolumeFile(readText(path, shown), shown)
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

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    throw new LunkeeperError('BAD_REQUEST', `${shown} cannot be read: ${whyUnreadable(cause)}`, {
      cause,
      hint: 'Give the path of a volume file, or "-" for stdin.',
    })
  }
}

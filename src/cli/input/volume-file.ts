import { readFileSync } from 'node:fs'

import type { Document } from 'yaml'
import { isScalar, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'

import { LunkeeperError } from '../../model/errors.ts'
import type { Option } from '../command.ts'
import { didYouMean } from './nearest.ts'
import { VOLUME_OPTIONS } from './volume-options.ts'
import type { Origin, VolumeField, VolumeValues } from './volume-request.ts'

const OPTIONS: readonly Option[] = VOLUME_OPTIONS
const REQUIRED: readonly string[] = ['portal', 'iqn', 'lun']

const text = z.string({ error: 'it is not a text' }).min(1, 'it is empty')

function valueSchema({ value, repeated, choices }: Option): z.ZodType {
  if (value === undefined) return z.boolean({ error: 'it is neither true nor false' })
  if (choices) return z.enum(choices, { error: `it is none of ${choices.join(', ')}` })
  if (repeated)
    return z.union([text, z.array(text).min(1)], { error: 'it is neither a text nor a list of texts' })
  return text
}

/** A volume file: the flags of attach as fields, and nothing else. */
const schema = z.strictObject(
  Object.fromEntries(
    OPTIONS.map((option) => {
      const field = valueSchema(option).meta({ description: option.help })
      return [option.name, REQUIRED.includes(option.name) ? field : field.optional()]
    }),
  ),
)

/** For editors: with it they complete and check a volume file. Numbers are welcome where texts are. */
export function volumeFileSchema(): { $schema: string } {
  const made = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === 'string' && !jsonSchema.enum) {
        delete jsonSchema.minLength
        Object.assign(jsonSchema, { type: ['string', 'integer'] })
      }
    },
  })
  return { title: 'A volume for lunkeeper attach -f', ...made } as { $schema: string }
}

/**
 * Reads a volume file. Numbers in it stay as they are written: a serial of 007 is no 7.
 * @throws BAD_REQUEST with the line
 */
export function readVolumeFile(path: string): { values: VolumeValues; origin: Origin } {
  const shown = path === '-' ? 'stdin' : path
  return parseVolumeFile(readText(path, shown), shown)
}

export function parseVolumeFile(source: string, shown: string): { values: VolumeValues; origin: Origin } {
  const lines = new LineCounter()
  const document = parseDocument(source, {
    lineCounter: lines,
    prettyErrors: false,
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || !/:(int|float)$/.test(tag.tag)),
  })
  const malformed = document.errors[0]
  if (malformed)
    throw new LunkeeperError(
      'BAD_REQUEST',
      `${shown}:${lines.linePos(malformed.pos[0]).line}: ${malformed.message}`,
    )
  const lineOf = (name: string) => lineOfKey(document, lines, name)
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {})
  const origin: Origin = {
    field: (name) => name,
    place: (name) => `${shown}:${lineOf(name) ?? 1}: `,
    missing: (names) =>
      new LunkeeperError('BAD_REQUEST', `${shown} lacks ${names.join(', ')}`, {
        hint: 'See `lunkeeper attach --help` for what a volume needs.',
      }),
  }
  if (!parsed.success) throw refusal(parsed.error, shown, lineOf, origin)
  return { values: toValues(parsed.data), origin }
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : code
    throw new LunkeeperError('BAD_REQUEST', `${shown} cannot be read: ${reason}`, {
      cause,
      hint: 'Give the path of a volume file, or "-" for stdin.',
    })
  }
}

function lineOfKey(document: Document, lines: LineCounter, name: string): number | null {
  const { contents } = document
  if (!contents || !('items' in contents)) return null
  for (const pair of contents.items as { key: unknown }[])
    if (isScalar(pair.key) && String(pair.key.value) === name && pair.key.range)
      return lines.linePos(pair.key.range[0]).line
  return null
}

function refusal(
  error: z.ZodError,
  shown: string,
  lineOf: (name: string) => number | null,
  origin: Origin,
): LunkeeperError {
  const unknown = error.issues.find((issue) => issue.code === 'unrecognized_keys')
  if (unknown) {
    const key = unknown.keys[0]!
    const near = didYouMean(
      key,
      OPTIONS.map(({ name }) => name),
    )
    return new LunkeeperError(
      'BAD_REQUEST',
      `${shown}:${lineOf(key) ?? 1}: "${key}" is no field of a volume`,
      {
        hint: near
          ? `Did you mean "${near}"?`
          : `The fields are ${OPTIONS.map(({ name }) => name).join(', ')}.`,
      },
    )
  }
  const absent = error.issues.filter(
    ({ path }) => path.length === 1 && REQUIRED.includes(String(path[0])) && lineOf(String(path[0])) === null,
  )
  if (absent.length > 0) return origin.missing(absent.map(({ path }) => path[0] as VolumeField))
  const issue = error.issues[0]!
  const name = issue.path[0]
  if (name === undefined)
    return new LunkeeperError('BAD_REQUEST', `${shown} does not hold the fields of a volume`, {
      hint: 'Write "portal: 10.0.0.5", "iqn: …" and "lun: 0", one a line.',
    })
  return new LunkeeperError(
    'BAD_REQUEST',
    `${shown}:${lineOf(String(name)) ?? 1}: "${String(name)}" cannot be used: ${issue.message}`,
  )
}

function toValues(data: Record<string, unknown>): VolumeValues {
  const entries = OPTIONS.flatMap(({ name, repeated }) => {
    const value = data[name]
    if (value === undefined) return []
    return [[name, repeated && !Array.isArray(value) ? [value] : value]]
  })
  return Object.fromEntries(entries) as VolumeValues
}

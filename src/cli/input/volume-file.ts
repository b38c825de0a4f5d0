import { readFileSync } from 'node:fs'

import type { Document } from 'yaml'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import * as z from 'zod'

import { LunkeeperError } from '../../model/errors.ts'
import type { Option } from '../command.ts'
import { whyUnreadable } from './file-error.ts'
import { didYouMean } from './nearest.ts'
import { VOLUME_OPTIONS } from './volume-options.ts'
import type { Origin, VolumeValues } from './volume-request.ts'
import { REQUIRED } from './volume-request.ts'

const OPTIONS: readonly Option[] = VOLUME_OPTIONS

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
      const field = valueSchema(option).meta({ description: option.help, ...numberToo(option) })
      return [option.name, REQUIRED.some((name) => name === option.name) ? field : field.optional()]
    }),
  ),
)

/** For editors: with it they complete and check a volume file. Numbers are welcome where texts are. */
export function volumeFileSchema(): VolumeFileSchema {
  const made = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === 'string') delete jsonSchema.minLength
    },
  })
  return { $schema: String(made.$schema), title: 'A volume for lunkeeper attach -f', ...made }
}

/** What an editor takes for a number when it is all digits. */
function numberToo({ name }: Option): { type?: string[] } {
  return ['lun', 'name', 'serial', 'wwid', 'hold'].includes(name) ? { type: ['string', 'integer'] } : {}
}

export interface VolumeFileSchema {
  readonly $schema?: string
  readonly properties?: unknown
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
    throw new LunkeeperError('BAD_REQUEST', `${shown} cannot be read: ${whyUnreadable(cause)}`, {
      cause,
      hint: 'Give the path of a volume file, or "-" for stdin.',
    })
  }
}

function lineOfKey(document: Document, lines: LineCounter, name: string): number | null {
  const { contents } = document
  if (!isMap(contents)) return null
  for (const pair of contents.items)
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
  const wrong = new Set(error.issues.map(({ path }) => path[0]))
  const absent = REQUIRED.filter((name) => wrong.has(name) && lineOf(name) === null)
  if (absent.length > 0 && error.issues[0]!.path.length > 0) return origin.missing(absent)
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
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema is made from the same options, and has passed
  return Object.fromEntries(entries) as VolumeValues
}

import type { Document } from 'yaml'
import { isMap, isScalar, visit } from 'yaml'
import * as z from 'zod'

import type { ErrorCode } from '../../model/errors.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Option, Value } from '../command.ts'
import { didYouMean } from './nearest.ts'
import type { YamlDocuments } from './yaml-documents.ts'
import { duplicateKeys, TooDeepError, yamlDocuments } from './yaml-documents.ts'

/** A YAML file whose fields are flags. */
export interface Fields {
  readonly options: readonly Option[]
  /** What the fields describe: "a volume". */
  readonly of: string
  readonly code: ErrorCode
  /** Example for a file that has none of the fields. */
  readonly example: string
  readonly required?: readonly string[]
  /** The error for all missing fields. */
  readonly missing?: (names: readonly string[], shown: string) => LunkeeperError
}

export interface ParsedFields {
  readonly values: Readonly<Record<string, Value>>
  /** The line of a field; null if the file does not have it. */
  readonly lineOf: (name: string) => number | null
}

const text = z.string({ error: 'it is not a string' }).min(1, 'it is empty')

function valueSchema({ value, repeated, choices }: Option): z.ZodType {
  if (value === undefined) return z.boolean({ error: 'it is neither true nor false' })
  if (choices) return z.enum(choices, { error: `it is not one of ${choices.join(', ')}` })
  if (repeated)
    return z.union([text, z.array(text).min(1, 'the list is empty')], {
      error: 'it is neither a string nor a list of strings',
    })
  return text
}

export function schemaOf({ options, required = [] }: Fields): z.ZodObject {
  return z.strictObject(
    Object.fromEntries(
      options.map((option) => {
        const field = valueSchema(option).meta({ description: option.help, ...orNumber(option) })
        return [option.name, required.includes(option.name) ? field : field.optional()]
      }),
    ),
  )
}

/** For editors: also accepts a number for fields whose value may consist of digits only. */
function orNumber({ name }: Option): { type?: string[] } {
  return ['lun', 'name', 'serial', 'wwid', 'hold'].includes(name) ? { type: ['string', 'integer'] } : {}
}

/**
 * Parses a file with these fields. Numbers keep their spelling: a serial of 007 stays 007.
 * @throws `fields.code`, with the line number
 */
export function readFields(source: string, shown: string, fields: Fields): ParsedFields {
  const errorAt: MakeError = (line, reason, hint) =>
    new LunkeeperError(fields.code, `${shown}:${line}: ${reason}`, hint === undefined ? {} : { hint })
  const { documents, lineOf: lineAt } = readDocuments(source, errorAt)
  const [document, secondDocument] = documents
  const malformed = document?.errors[0]
  if (malformed) throw errorAt(lineAt(malformed.pos[0]), malformed.message, QUOTE)
  if (secondDocument)
    throw errorAt(
      lineAt(secondDocument.range[0]),
      'a second document starts here; the file must have only one',
    )
  const [duplicate] = document ? duplicateKeys(document) : []
  if (duplicate) throw errorAt(lineAt(duplicate.offset), `"${duplicate.key}" occurs twice`)
  const lineOf = (name: string) => lineOfKey(document, lineAt, name)
  const parsed = schemaOf(fields).safeParse(valueOf(document, lineAt, errorAt) ?? {})
  if (!parsed.success) throw refusal(parsed.error, shown, lineOf, fields)
  return { values: toValues(parsed.data, fields), lineOf }
}

type MakeError = (line: number, reason: string, hint?: string) => LunkeeperError

/** For YAML's own punctuation at the beginning of a value. */
const QUOTE = 'Quote values that begin with [, {, *, &, ! or @, for example "[fd00::5]:3260".'

function readDocuments(source: string, errorAt: MakeError): YamlDocuments {
  try {
    return yamlDocuments(source, {
      customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || !/:(int|float)$/.test(tag.tag)),
    })
  } catch (error) {
    throw error instanceof TooDeepError ? errorAt(error.line, error.message) : error
  }
}

/** Null if there is no document. */
function valueOf(
  document: Document | undefined,
  lineAt: YamlDocuments['lineOf'],
  errorAt: MakeError,
): unknown {
  try {
    return document?.toJS({ maxAliasCount: 100 }) ?? null
  } catch (error) {
    // The document has an alias without an anchor, or one that is expanded too often.
    throw errorAt(lineAt(offsetOfAlias(document!)), (error as Error).message, QUOTE)
  }
}

function offsetOfAlias(document: Document): number {
  let offset = 0
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return undefined
      offset = alias.range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return offset
}

function lineOfKey(
  document: Document | undefined,
  lineAt: YamlDocuments['lineOf'],
  name: string,
): number | null {
  const contents = document?.contents
  if (!isMap(contents)) return null
  for (const pair of contents.items)
    if (isScalar(pair.key) && String(pair.key.value) === name && pair.key.range)
      return lineAt(pair.key.range[0])
  return null
}

function refusal(
  error: z.ZodError,
  shown: string,
  lineOf: ParsedFields['lineOf'],
  fields: Fields,
): LunkeeperError {
  const { code, of, required = [], missing } = fields
  const names = fields.options.map(({ name }) => name)
  const unknown = error.issues.find((issue) => issue.code === 'unrecognized_keys')
  if (unknown) {
    const key = unknown.keys[0]!
    const near = didYouMean(key, names)
    return new LunkeeperError(code, `${shown}:${lineOf(key) ?? 1}: "${key}" is not a field of ${of}`, {
      hint: near ? `Did you mean "${near}"?` : `The fields are ${names.join(', ')}.`,
    })
  }
  const invalid = new Set(error.issues.map(({ path }) => path[0]))
  const absent = required.filter((name) => invalid.has(name) && lineOf(name) === null)
  const issue = error.issues[0]!
  if (missing && absent.length > 0 && issue.path.length > 0) return missing(absent, shown)
  const name = issue.path[0]
  if (name === undefined)
    return new LunkeeperError(code, `${shown} does not contain the fields of ${of}`, { hint: fields.example })
  return new LunkeeperError(
    code,
    `${shown}:${lineOf(String(name)) ?? 1}: "${String(name)}" cannot be used: ${issue.message}`,
  )
}

function toValues(data: Readonly<Record<string, unknown>>, { options }: Fields): Record<string, Value> {
  return Object.fromEntries(
    options.flatMap(({ name, repeated }) => {
      const value = data[name] as Value | undefined
      if (value === undefined) return []
      return [[name, repeated && !Array.isArray(value) ? [String(value)] : value]]
    }),
  )
}

import type { DocumentOptions, ParseOptions, SchemaOptions } from 'yaml'
import { Composer, type Document, isScalar, Lexer, LineCounter, Parser, visit } from 'yaml'

/**
 * Files of Lunkeeper and objects of Kubernetes are not nested this deep. kubectl's parser (go-yaml) stops at 10,000 levels, but
 * the time and memory of this parser grow faster than the depth.
 */
const MAX_DEPTH = 1000

/** A document is nested too deep. */
export class TooDeepError extends Error {
  /** Counted from 1. */
  readonly line: number

  constructor(line: number) {
    super(`it is nested more than ${MAX_DEPTH} levels deep`)
    this.line = line
  }
}

export interface YamlDocuments {
  readonly documents: readonly Document.Parsed[]
  /** The line of an offset, counted from 1. */
  readonly lineOf: (offset: number) => number
}

/** Parses the documents of a stream; each has its errors. @throws TooDeepError */
export function yamlDocuments(
  source: string,
  options: Omit<
    ParseOptions & DocumentOptions & SchemaOptions,
    'lineCounter' | 'prettyErrors' | 'uniqueKeys'
  >,
): YamlDocuments {
  const lines = new LineCounter()
  const lineOf = (offset: number) => lines.linePos(offset).line
  const parser = new Parser(lines.addNewLine)
  function* tokens() {
    lines.addNewLine(0)
    for (const lexeme of new Lexer().lex(source)) {
      yield* parser.next(lexeme)
      if (parser.stack.length > MAX_DEPTH) throw new TooDeepError(lineOf(parser.offset))
    }
    yield* parser.end()
  }
  const composer = new Composer({
    ...options,
    prettyErrors: false,
    // The composer compares each key with all others of its map. duplicateKeys is faster.
    uniqueKeys: false,
    lineCounter: lines,
  })
  // A broken stream can have an error for each byte. Their stack traces are not used, and making them is slow.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return { documents: [...composer.compose(tokens())], lineOf }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** The duplicate keys in the maps of a document, with the offset of the later one. */
export function duplicateKeys(document: Document.Parsed): { key: string; offset: number }[] {
  const found: { key: string; offset: number }[] = []
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        // A map may have several merge keys.
        if (!isScalar(key) || key.value === '<<') continue
        if (seen.has(key.value)) found.push({ key: String(key.value), offset: key.range?.[0] ?? 0 })
        seen.add(key.value)
      }
    },
  })
  return found
}

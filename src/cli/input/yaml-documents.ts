import type { DocumentOptions, ParseOptions, SchemaOptions } from 'yaml'
import { Composer, type Document, isScalar, Lexer, LineCounter, Parser, visit } from 'yaml'

/**
 * No file of ours and no object of Kubernetes is nested this deep; go-yaml, which kubectl uses, stops at 10,000. The
 * parser's time and memory grow faster than the depth.
 */
const DEEPEST = 1000

/** A stream that is nested too deep. */
export class TooDeep extends Error {
  /** Counted from 1. */
  readonly line: number

  constructor(line: number) {
    super(`it is nested more than ${DEEPEST} levels deep`)
    this.line = line
  }
}

export interface YamlDocuments {
  readonly documents: readonly Document.Parsed[]
  /** The line of an offset, counted from 1. */
  readonly lineOf: (offset: number) => number
}

/** The documents of a stream, each with its errors. @throws TooDeep */
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
      if (parser.stack.length > DEEPEST) throw new TooDeep(lineOf(parser.offset))
    }
    yield* parser.end()
  }
  const composer = new Composer({
    ...options,
    prettyErrors: false,
    // The composer would compare each key with all before it: see duplicateKeys.
    uniqueKeys: false,
    lineCounter: lines,
  })
  // A broken stream has an error for each of its bytes, of whose stacks nothing is used.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return { documents: [...composer.compose(tokens())], lineOf }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Keys that a map of the document has already, with the offset of the later one. */
export function duplicateKeys(document: Document.Parsed): { key: string; offset: number }[] {
  const found: { key: string; offset: number }[] = []
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        // A merge key may be there several times.
        if (!isScalar(key) || key.value === '<<') continue
        if (seen.has(key.value)) found.push({ key: String(key.value), offset: key.range?.[0] ?? 0 })
        seen.add(key.value)
      }
    },
  })
  return found
}

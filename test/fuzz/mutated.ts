import * as fc from 'fast-check'

import type { Target } from './target.ts'

/** A change of an input; positions are taken modulo its length. */
type Edit =
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'word'; readonly at: number; readonly word: Buffer }
  | { readonly kind: 'byte'; readonly at: number; readonly byte: number }
  | { readonly kind: 'copy'; readonly from: number; readonly length: number; readonly at: number }
  | { readonly kind: 'join'; readonly at: number; readonly other: Buffer; readonly from: number }
  | { readonly kind: 'repeat'; readonly from: number; readonly length: number }

const LONGEST = 4096
/** Long enough that quadratic time shows, and short enough to take seconds. */
export const REPEATED = 64 << 10

/** Inputs of a target: its seeds with changes. */
export function mutated(target: Target): fc.Arbitrary<Buffer> {
  const seeds = [Buffer.alloc(0), ...target.seeds()]
  const at = fc.nat({ max: 1 << 20 })
  const length = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 400 }))
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.record({ kind: fc.constant('cut' as const), at, length }),
    fc.record({
      kind: fc.constant('word' as const),
      at,
      word: fc.oneof(
        fc.constantFrom(...target.words).map((word) => Buffer.from(word, 'latin1')),
        fc.string({ unit: 'binary', maxLength: 12 }).map((text) => Buffer.from(text)),
      ),
    }),
    fc.record({ kind: fc.constant('byte' as const), at, byte: fc.nat({ max: 255 }) }),
    fc.record({ kind: fc.constant('copy' as const), from: at, length, at }),
    fc.record({ kind: fc.constant('join' as const), at, other: fc.constantFrom(...seeds), from: at }),
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat' as const), from: at, length }) },
  )
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 8 }))
    .map(([seed, edits]) =>
      told(edits.reduce((input, one) => edited(input, one, target.longest ?? LONGEST), seed)),
    )
}

/** In a report's format, to be decoded into a file of test/fuzz/regressions. */
function told(input: Buffer): Buffer {
  const copy = Buffer.from(input)
  return Object.defineProperty(copy, fc.toStringMethod, { value: () => `base64 ${copy.toString('base64')}` })
}

function edited(input: Buffer, edit: Edit, longest: number): Buffer {
  const place = (at: number) => (input.length === 0 ? 0 : at % (input.length + 1))
  switch (edit.kind) {
    case 'cut': {
      const from = place(edit.at)
      return Buffer.concat([input.subarray(0, from), input.subarray(from + edit.length)])
    }
    case 'word':
      return spliced(input, place(edit.at), edit.word, longest)
    case 'byte': {
      const copy = Buffer.from(input)
      if (copy.length > 0) copy[edit.at % copy.length] = edit.byte
      return copy
    }
    case 'copy': {
      const from = place(edit.from)
      return spliced(input, place(edit.at), input.subarray(from, from + edit.length), longest)
    }
    case 'join': {
      const from = edit.other.length === 0 ? 0 : edit.from % edit.other.length
      return Buffer.concat([input.subarray(0, place(edit.at)), edit.other.subarray(from)]).subarray(
        0,
        longest,
      )
    }
    case 'repeat':
    default:
      return repeated(input, place(edit.from), edit.length)
  }
}

function spliced(input: Buffer, at: number, part: Buffer, longest: number): Buffer {
  return Buffer.concat([input.subarray(0, at), part, input.subarray(at)]).subarray(0, longest)
}

/** The part of the input repeated up to {@link REPEATED} bytes: this reveals what makes a parser backtrack. */
export function repeated(input: Buffer, from: number, length: number): Buffer {
  const part = input.subarray(from, from + length)
  if (part.length === 0 || input.length > REPEATED) return input
  const times = Math.floor((REPEATED - input.length) / part.length)
  return Buffer.concat([
    input.subarray(0, from),
    Buffer.alloc(times * part.length, part),
    input.subarray(from),
  ])
}

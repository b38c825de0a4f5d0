import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { openMonths } from '../../../src/explain/envelope/months.ts'
import { readEntry } from '../../../src/explain/envelope/read-entry.ts'
import { readMessage } from '../../../src/explain/message/read-message.ts'
import { countLines, findRelevantPhrase } from '../../../src/explain/read/line-reader.ts'
import { openPhraseSearch } from '../../../src/explain/read/phrase-search.ts'

const LOGS = join(import.meta.dirname, '../../field/logs')

test('openPhraseSearch finds a phrase wherever indexOf does', () => {
  const letters = fc.constantFrom('a', 'b', 'ab', 'ba', '\n')
  const word = fc.array(letters, { minLength: 4, maxLength: 8 }).map((parts) => parts.join('x'))
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 6 }),
      fc.array(letters, { maxLength: 80 }),
      (words, parts) => {
        const bytes = Buffer.from(parts.join('x'))
        const found = openPhraseSearch(words)(bytes, 0)
        const lines = words.flatMap((each) => {
          const at = bytes.indexOf(each)
          return at === -1 ? [] : [at]
        })
        expect(found === -1).toBe(lines.length === 0)
        if (found !== -1)
          expect(words.some((each) => bytes.indexOf(each, Math.max(0, found - 64)) <= found)).toBe(true)
      },
    ),
  )
})

test('countLines counts as a plain loop does, at any alignment', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 7 }), (bytes, offset) => {
      const block = Buffer.concat([
        Buffer.alloc(offset),
        bytes.map((byte) => (byte % 3 === 0 ? 10 : byte)),
      ]).subarray(offset)
      expect(countLines(block)).toBe(block.filter((byte) => byte === 10).length)
    }),
  )
})

test('every relevant line of the corpus contains a relevant phrase', () => {
  let said = 0
  for (const name of readdirSync(LOGS).filter((file) => /\.(?:log|txt)$/.test(file)))
    for (const line of readFileSync(join(LOGS, name), 'utf8').split('\n')) {
      const entry = readEntry(line, openMonths())
      if (!entry || !readMessage(entry)) continue
      said++
      expect(findRelevantPhrase(Buffer.from(line), 0), line).not.toBe(-1)
    }
  expect(said).toBeGreaterThan(300)
})

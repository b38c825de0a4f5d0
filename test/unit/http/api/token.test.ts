import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { readToken, Token } from '../../../../src/http/api/token.ts'
import { TOKEN } from '../../../page/served.ts'
import { codeOf } from '../../model/code-of.ts'
import { temporary } from '../../temporary.ts'

describe('the token', () => {
  it('is accepted only if all of it matches', () => {
    const token = new Token(TOKEN)
    expect(token.isIn(`Bearer ${TOKEN}`)).toBe(true)
    for (const wrong of [undefined, '', 'Bearer', `Bearer ${TOKEN.slice(1)}`, `Bearer ${TOKEN} x`, TOKEN])
      expect(token.isIn(wrong)).toBe(false)
  })

  it('is read from a file that only its owner can read, and never quoted in an error', () => {
    const path = join(temporary(), 'token')
    const write = (text: string, mode = 0o600) => {
      writeFileSync(path, text)
      chmodSync(path, mode)
    }
    write(`${TOKEN}\n`)
    expect(readToken(path).isIn(`Bearer ${TOKEN}`)).toBe(true)
    for (const [text, mode] of [
      [TOKEN, 0o640],
      [TOKEN, 0o604],
      ['short', 0o600],
      ['', 0o600],
      [`${TOKEN} two words`, 0o600],
      ['x'.repeat(2_000), 0o600],
    ] as const) {
      write(text, mode)
      expect(codeOf(() => readToken(path))).toBe('USAGE')
      if (text === '') continue
      try {
        readToken(path)
      } catch (error) {
        expect((error as Error).message).not.toContain(text)
      }
    }
    expect(codeOf(() => readToken(`${path}-missing`))).toBe('USAGE')
  })
})

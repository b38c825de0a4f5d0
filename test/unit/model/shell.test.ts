import { execFileSync } from 'node:child_process'

import * as fc from 'fast-check'
import { expect, it } from 'vitest'

import { shellWord } from '../../../src/model/shell.ts'

it('a shell reads any text as one word, unchanged', () => {
  const texts = [
    '/mnt/db',
    'iqn.2024-01.example:a;reboot',
    '$(id)',
    "it's",
    '',
    'a b',
    '`id`',
    '\\',
    '*',
    '~',
    '-x',
  ]
  for (const text of [...texts, ...fc.sample(fc.string({ unit: 'grapheme' }), 30)])
    if (!text.includes('\0'))
      expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text)
  expect(shellWord('/mnt/db')).toBe('/mnt/db')
})

import { chmodSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { beforeEach, expect, test } from 'vitest'

import { readChap } from '../../../../src/cli/input/chap-file.ts'
import { temporary } from '../../temporary.ts'

const SECRET = 'hunter2hunter2'
let path: string
let warnings: string[]
const warn = (message: string) => void warnings.push(message)

beforeEach(() => {
  warnings = []
  path = join(temporary(), 'chap')
  writeFileSync(path, `username = me\npassword = ${SECRET}\n`, { mode: 0o600 })
})

test('a file that only its owner can read causes no warning', async () => {
  expect((await readChap(path, warn)).password.reveal()).toBe(SECRET)
  expect(warnings).toEqual([])
})

test.each([0o640, 0o604, 0o660])('a file of mode %o is read with a warning', async (mode) => {
  chmodSync(path, mode)
  expect((await readChap(path, warn)).username).toBe('me')
  expect(warnings).toEqual([`${path} is readable by users other than its owner; run chmod 600 ${path}`])
})

test.each(['fd:', '/dev/fd/', '/proc/self/fd/'])('%sN is an open descriptor', async (prefix) => {
  expect((await readChap(`${prefix}${openSync(path, 'r')}`, warn)).username).toBe('me')
})

test('a source that cannot be read is an error', async () => {
  await expect(readChap('/nonexistent', warn)).rejects.toThrow(
    'the CHAP credentials in /nonexistent cannot be read: no such file',
  )
  await expect(readChap('/tmp', warn)).rejects.toThrow('it is a directory')
  await expect(readChap('fd:999999', warn)).rejects.toThrow('the descriptor is not open')
  await expect(readChap('/dev/zero', warn)).rejects.toThrow('it is longer than 64 KiB')
})

test('no error quotes the secret', async () => {
  writeFileSync(path, `username = me\npassword = ${SECRET}\npassword = ${SECRET}\n`)
  await expect(readChap(path, warn)).rejects.toThrow(/^\/.*\/chap: .*password was given twice/)
  writeFileSync(path, `user = me\n${SECRET}\n`)
  const error = await readChap(path, warn).catch((thrown: unknown) => thrown)
  expect(String(error)).toContain('line 1 is not one of')
  expect(JSON.stringify(error) + String(error)).not.toContain(SECRET)
})

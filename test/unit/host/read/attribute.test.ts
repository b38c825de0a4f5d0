import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  linkName,
  listNames,
  readAttribute,
  readBytes,
  readLink,
  readNumber,
  readText,
} from '../../../../src/host/read/attribute.ts'
import { lay, nothing } from './tree.ts'

const host = () =>
  lay(
    new Map([
      ['link', ' -> ../over/there'],
      ['refused', ' ! ENOTCONN'],
    ]),
    { text: 'a b \n\n', bare: 'x', empty: '', number: '-7\n', mixed: '7 x\n' },
  )

test('an attribute loses one newline at its end and nothing else', () => {
  const { root } = host()
  expect([
    readAttribute(join(root, 'text')),
    readAttribute(join(root, 'bare')),
    readAttribute(join(root, 'empty')),
  ]).toEqual(['a b \n', 'x', ''])
})

test('a number is a number or nothing', () => {
  const { root } = host()
  expect([
    readNumber(join(root, 'number')),
    readNumber(join(root, 'mixed')),
    readNumber(join(root, 'empty')),
  ]).toEqual([-7, null, null])
})

test('an attribute that is absent or refused is null', () => {
  const { root } = host()
  for (const name of ['none', 'text/below', 'refused', 'nul\0'])
    expect([
      readAttribute(join(root, name)),
      readBytes(join(root, name), 8),
      readText(join(root, name)),
      linkName(join(root, name)),
    ]).toEqual([null, null, null, null])
  expect(listNames(join(root, 'none'))).toEqual([])
  expect(listNames(join(root, 'text'))).toEqual([])
})

test('the bytes of an attribute are a copy, cut at the limit', () => {
  const { root } = host()
  const kept = readBytes(join(root, 'text'), 3)
  readAttribute(join(root, 'number'))
  expect(kept?.toString()).toBe('a b')
})

test('a link is read whole, or its last part', () => {
  const { root } = host()
  expect([linkName(join(root, 'link')), readLink(join(root, 'link'))]).toEqual(['there', '../over/there'])
})

test('a character is not broken where a long file is read in parts', () => {
  const text = `a${'ö'.repeat(100_000)}`
  expect(readText(join(lay(nothing, { text }).root, 'text'))).toBe(text)
})

test('a shortage of open files never looks like an empty host', () => {
  const { root } = host()
  const open: number[] = []
  const failed: unknown[] = []
  try {
    for (;;) open.push(openSync(join(root, 'text'), 'r'))
  } catch {
    for (const read of [() => readAttribute(join(root, 'text')), () => listNames(root)])
      try {
        read()
      } catch (error) {
        failed.push(error)
      }
  }
  for (const file of open) closeSync(file)
  expect(failed).toEqual([
    expect.objectContaining({ code: 'EMFILE' }),
    expect.objectContaining({ code: 'EMFILE' }),
  ])
  expect(readAttribute(join(root, 'text'))).not.toBeNull()
}, 30_000)

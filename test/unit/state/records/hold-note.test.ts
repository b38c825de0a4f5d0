import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import type { Host } from '../../../../src/host/host.ts'
import { openHost } from '../../../../src/host/host.ts'
import { hostPaths } from '../../../../src/host/paths.ts'
import { parseName } from '../../../../src/model/name.ts'
import {
  fencedNames,
  holdNotes,
  isAnyHolding,
  readFencedNote,
  readHoldNote,
  readHoldNotes,
  removeHoldNote,
  writeHoldNote,
} from '../../../../src/state/records/hold-note.ts'
import { temporary } from '../../temporary.ts'

const NAME = parseName('db')

let host: Host

beforeEach(() => {
  const root = temporary()
  host = openHost({
    paths: hostPaths(root),
    places: { records: join(root, 'records'), runtime: join(root, 'run') },
  })
})

it('there is none where none was written, not even a directory', () => {
  expect(readHoldNote(host, NAME)).toBeNull()
  expect(readHoldNotes(host)).toEqual(new Map())
  expect(isAnyHolding(host)).toBe(false)
})

it('one that cannot be read is not taken for none', () => {
  // A directory in its place gives EISDIR, in place of EIO or EMFILE.
  mkdirSync(join(holdNotes(host), `${NAME}.json`), { recursive: true })
  expect(() => readHoldNote(host, NAME)).toThrow(/the note of the hold of db cannot be read: EISDIR/)
  expect(() => readHoldNotes(host)).toThrow(/cannot be read/)
  expect(isAnyHolding(host)).toBe(true)
})

it('a directory that cannot be read is not taken for an empty one', () => {
  mkdirSync(host.places.runtime, { recursive: true })
  writeFileSync(holdNotes(host), '')
  expect(() => readHoldNotes(host)).toThrow(/the note of the hold of all volumes cannot be read: ENOTDIR/)
  expect(isAnyHolding(host)).toBe(true)
})

it('one that was written is read', () => {
  writeHoldNote(host, NAME, { since: new Date().toISOString(), ended: 'give-up', trouble: null })
  expect(readHoldNotes(host).get(NAME)).toMatchObject({ ended: 'give-up' })
  expect(isAnyHolding(host)).toBe(false)
})

it('nothing of one is forgotten between writing and reading', () => {
  const note = {
    since: new Date().toISOString(),
    ended: 'fenced',
    trouble: 'another node has it',
    kind: 'fenced',
    holder: 'iqn.2026-01.dev.lunkeeper:b',
    discarded: { bytes: 20_480, of: 'node' },
    doubted: '4711',
    isClear: true,
    deadline: null,
  } as const
  writeHoldNote(host, NAME, note)
  expect(readHoldNote(host, NAME)).toEqual(note)
})

it('one of a later version, with a reason that this version does not know, is not taken for none', () => {
  const note = {
    since: new Date().toISOString(),
    ended: 'frozen',
    trouble: null,
    kind: 'unheard-of',
    discarded: 7,
  }
  mkdirSync(holdNotes(host), { recursive: true })
  writeFileSync(join(holdNotes(host), `${NAME}.json`), JSON.stringify(note))
  expect(readHoldNote(host, NAME)).toMatchObject({ ended: 'frozen', kind: 'unheard-of' })
})

it('one with a time that no clock shows is not a note', () => {
  const note = { since: new Date().toISOString(), sinceMs: 1e300, ended: null, trouble: null }
  mkdirSync(holdNotes(host), { recursive: true })
  writeFileSync(join(holdNotes(host), `${NAME}.json`), JSON.stringify(note))
  expect(readHoldNote(host, NAME)).toBeNull()
})

it('that another node has the volume is also kept beside the records, until the note is another one or removed', () => {
  const fenced = {
    since: new Date().toISOString(),
    sinceMs: 5,
    ended: 'fenced',
    kind: 'fenced',
    trouble: 'node-b has it',
    holder: 'node-b',
    isClear: true,
  } as const
  const { since, ended, kind, trouble, holder } = fenced
  const kept = { since, ended, kind, trouble, holder }
  const other = { since, ended: 'give-up', trouble: null } as const
  for (const end of [() => removeHoldNote(host, NAME), () => writeHoldNote(host, NAME, other)]) {
    writeHoldNote(host, NAME, fenced)
    // As after a reboot.
    rmSync(host.places.runtime, { recursive: true })
    expect(readHoldNote(host, NAME)).toBeNull()
    expect(fencedNames(host)).toEqual([NAME])
    expect(readFencedNote(host, NAME)).toEqual(kept)
    end()
    expect(fencedNames(host)).toEqual([])
  }
})

it('a volume is fenced although that cannot be kept beside the records', () => {
  writeFileSync(host.places.records, '')
  writeHoldNote(host, NAME, {
    since: new Date().toISOString(),
    ended: 'fenced',
    kind: 'fenced',
    trouble: null,
  })
  expect(readHoldNote(host, NAME)).toMatchObject({ kind: 'fenced' })
  expect(fencedNames(host)).toEqual([])
})

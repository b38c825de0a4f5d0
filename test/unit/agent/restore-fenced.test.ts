import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { AgentLog } from '../../../src/agent/log.ts'
import { restoreFenced } from '../../../src/agent/restore-fenced.ts'
import { parseName } from '../../../src/model/name.ts'
import { readHoldNote, writeHoldNote } from '../../../src/state/records/hold-note.ts'
import { fakeNode, NAME, staged } from '../kubernetes/node.ts'

const OTHER = parseName('csi-other')

it.each([
  ['is damaged', (path: string) => writeFileSync(path, '{"since"')],
  // EISDIR, in place of EIO.
  ['cannot be read', (path: string) => mkdirSync(path)],
])('a volume stays fenced across a reboot if its note %s, and so do the others', (_, damage) => {
  const { host, record } = fakeNode()
  for (const name of [NAME, OTHER]) {
    record({ ...staged, name })
    writeHoldNote(host, name, {
      since: '2026-11-29T10:00:00.000Z',
      ended: 'fenced',
      kind: 'fenced',
      trouble: 'node-b has it',
      holder: 'node-b',
    })
  }
  rmSync(host.places.runtime, { recursive: true })
  const copy = join(host.places.records, 'fenced', `${NAME}.json`)
  rmSync(copy)
  damage(copy)
  restoreFenced(host, new AgentLog(() => {}))
  expect(readHoldNote(host, NAME)).toMatchObject({ ended: 'fenced', kind: 'fenced' })
  expect(readHoldNote(host, OTHER)).toMatchObject({ kind: 'fenced', holder: 'node-b' })
})

it('a volume that an attach has just got back is not fenced', () => {
  const { host, record } = fakeNode()
  record(staged)
  mkdirSync(join(host.places.records, 'fenced'), { recursive: true })
  // Listed, and gone when it is read.
  symlinkSync('gone', join(host.places.records, 'fenced', `${NAME}.json`))
  restoreFenced(host, new AgentLog(() => {}))
  expect(readHoldNote(host, NAME)).toBeNull()
})

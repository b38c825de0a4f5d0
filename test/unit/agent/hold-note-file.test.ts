import { beforeEach, expect, it } from 'vitest'

import { HoldNoteFile } from '../../../src/agent/hold-note-file.ts'
import { AgentLog } from '../../../src/agent/log.ts'
import type { HoldNote } from '../../../src/model/hold-note.ts'
import { removeHoldNote, writeHoldNote } from '../../../src/state/records/hold-note.ts'
import type { FakeNode } from '../kubernetes/node.ts'
import { fakeNode, NAME } from '../kubernetes/node.ts'

const FENCED: HoldNote = {
  since: '2026-11-29T10:00:00.000Z',
  sinceMs: 1,
  ended: 'fenced',
  kind: 'fenced',
  trouble: 'node-b owns it',
  isClear: true,
}

let node: FakeNode
let file: HoldNoteFile

beforeEach(() => {
  node = fakeNode()
  file = new HoldNoteFile(node.host, NAME, new AgentLog(() => {}))
})

it('a note that this agent wrote, and one that it has read, are not taken for a change by others', () => {
  file.write(FENCED)
  expect(file.isChangedByOthers()).toBe(false)
  writeHoldNote(node.host, NAME, { ...FENCED, trouble: 'node-c owns it' })
  expect(file.isChangedByOthers()).toBe(true)
  file.read()
  expect(file.isChangedByOthers()).toBe(false)
})

it('the end of a note that a former agent wrote is a change', () => {
  writeHoldNote(node.host, NAME, FENCED)
  expect(file.read()).toMatchObject({ kind: 'fenced' })
  removeHoldNote(node.host, NAME)
  expect(file.isChangedByOthers()).toBe(true)
})

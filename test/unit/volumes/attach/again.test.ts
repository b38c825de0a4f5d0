import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

import { beforeEach, expect, it, vi } from 'vitest'

import { asAsked } from '../../../../src/model/attachment.ts'
import { readRecord, writeRecord } from '../../../../src/state/records/volumes.ts'
import { attach } from '../../../../src/volumes/attach/attach.ts'
import type { FakeNode } from '../../kubernetes/node.ts'
import { fakeNode, NAME, staged } from '../../kubernetes/node.ts'

let node: FakeNode

beforeEach(() => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  node = fakeNode()
  const transports = join(node.host.paths.sys, 'class/iscsi_transport')
  mkdirSync(transports, { recursive: true })
  symlinkSync('.', join(transports, 'tcp'))
})

/** Like the agent, with the record that it had read before it waited for the volume's lock. */
const again = () => attach(node.host, asAsked(staged), { onlyAgain: true })

it('a volume that was detached meanwhile is not attached again, and gets no record', async () => {
  await expect(again()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(readRecord(node.host, NAME)).toBeNull()
})

it('nor is one that a detach has begun with: it stays detaching', async () => {
  writeRecord(node.host, { ...staged, phase: 'detaching' })
  await expect(again()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(readRecord(node.host, NAME)?.phase).toBe('detaching')
})

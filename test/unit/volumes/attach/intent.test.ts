import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { beforeEach, expect, onTestFinished, test } from 'vitest'

import type { Host } from '../../../../src/host/host.ts'
import { openHost } from '../../../../src/host/host.ts'
import { parseIqn } from '../../../../src/model/iqn.ts'
import { parseLun } from '../../../../src/model/lun.ts'
import { parseName } from '../../../../src/model/name.ts'
import { parsePortal } from '../../../../src/model/portal.ts'
import type { VolumeRequest } from '../../../../src/model/request.ts'
import { createRecord, readRecord, writeRecord } from '../../../../src/state/records/volumes.ts'
import { intend } from '../../../../src/volumes/attach/intent.ts'
import { codeOf } from '../../model/code-of.ts'

let host: Host
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'lunkeeper-intent-'))
  host = openHost({ places: { records: root, runtime: join(root, 'run') } })
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
})

const request = (change: Partial<VolumeRequest> = {}): VolumeRequest => ({
  name: parseName('db'),
  iqn: parseIqn('iqn.2003-01.org.example:x'),
  portals: [parsePortal('10.0.0.5')],
  lun: parseLun(5),
  expected: { wwid: null, serial: null },
  hold: { wanted: 120, mode: 'map' },
  use: { mount: '/mnt/db', fs: null, format: false, readOnly: false, options: [] },
  ...change,
})

function attached(): void {
  createRecord(host, intend(host, request()).record)
}

test('the same request finds the same attachment', () => {
  attached()
  expect(intend(host, request())).toMatchObject({ fresh: false, record: { name: 'db' } })
})

test('an attached LUN under another name is already attached, and the message says under which', () => {
  attached()
  expect(() => intend(host, request({ name: parseName('other') }))).toThrow(
    expect.objectContaining({
      code: 'ATTACHED_ALREADY',
      message: 'LUN 5 of iqn.2003-01.org.example:x is attached as db, not as other',
    }),
  )
})

test('a volume that has followed its LUN to the former number of another is found by its name', () => {
  attached()
  const record = readRecord(host, parseName('db'))!
  // The array now presents `db` as LUN 9, and `other`, which was LUN 1, as LUN 5.
  const moved = (lun: number, askedLun: number) => ({
    request: { ...record.request, lun: parseLun(lun) },
    askedLun: parseLun(askedLun),
  })
  writeRecord(host, { ...record, ...moved(9, 5) })
  const name = parseName('other')
  const use = { ...request().use, mount: '/mnt/other' }
  createRecord(host, intend(host, request({ name, use, lun: parseLun(1) })).record)
  const other = readRecord(host, name)!
  writeRecord(host, { ...other, askedLun: parseLun(1), request: { ...other.request, lun: parseLun(5) } })
  const asked = (change: Partial<VolumeRequest>) => intend(host, request(change)).record.name
  expect(asked({ name, use })).toBe('other')
  expect(asked({ name, use, lun: parseLun(1) })).toBe('other')
  expect(asked({})).toBe('db')
  expect(asked({ lun: parseLun(9) })).toBe('db')
  expect(asked({ name: null })).toBe('db')
})

test.each<[string, Partial<VolumeRequest>]>([
  ['another mount point', { use: { ...request().use, mount: '/mnt/other' } }],
  ['read-only', { use: { ...request().use, readOnly: true } }],
  ['its name for another LUN', { lun: parseLun(6), use: { ...request().use, mount: null } }],
  ['its mount point for another LUN', { lun: parseLun(6), name: parseName('other') }],
])('%s contradicts it', (_, change) => {
  attached()
  expect(codeOf(() => intend(host, request(change)))).toBe('CONFLICT')
})

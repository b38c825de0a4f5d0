import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Host } from '../../../src/host/host.ts'
import { openHost } from '../../../src/host/host.ts'
import type { Attachment } from '../../../src/model/attachment.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { parseName } from '../../../src/model/name.ts'
import { parsePortal } from '../../../src/model/portal.ts'
import { parseWwid } from '../../../src/model/wwid.ts'
import {
  countKept,
  createRecord,
  readRecord,
  readRecords,
  removeRecord,
  writeRecord,
} from '../../../src/state/records/volumes.ts'
import { findRecord } from '../../../src/state/view/list.ts'
import { codeOf } from '../model/code-of.ts'
import { attachment } from '../model/plan/facts.ts'

let host: Host
let dir: string
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'lunkeeper-records-'))
  host = openHost({ places: { records: root, runtime: join(root, 'run') } })
  dir = join(root, 'volumes')
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
})

const base = attachment('data', null)
const fresh: Attachment = {
  ...base,
  request: {
    ...base.request,
    portals: [parsePortal('10.0.0.5')],
    lun: parseLun(0),
    hold: { wanted: 'forever', mode: 'auto' },
    use: { ...base.request.use, mount: null },
  },
}
const full: Attachment = {
  ...fresh,
  name: parseName('full'),
  request: {
    ...fresh.request,
    name: parseName('full'),
    portals: [parsePortal('[fd00::5]:860'), parsePortal('10.0.0.6')],
    lun: parseLun(16_640),
    expected: { wwid: parseWwid('naa.6001405000000000000000000000000a'), serial: 'S 1' },
    hold: { wanted: 0, mode: 'map' },
    use: { mount: '/mnt/größe', fs: 'xfs', format: true, readOnly: false, options: ['noatime'] },
  },
  phase: 'ready',
  identity: { wwid: parseWwid('t10.LIO x'), serial: null, bytes: 2 ** 53 - 1 },
  mode: 'multipathd',
  device: '/dev/mapper/mpatha',
  fs: 'xfs',
  formatting: { fs: 'xfs', uuid: 'c5a8f2de-0a30-4cbb-9b36-1c1c8e4d1f00' },
  knownToMultipath: true,
  madeDirectories: ['/mnt', '/mnt/größe'],
  protectedDirectory: '/mnt/größe',
}
const pathOf = (name: string) => join(dir, `${name}.json`)

test('what is written is read, in every field', () => {
  for (const record of [fresh, full]) {
    writeRecord(host, record)
    expect(readRecord(host, record.name)).toEqual(record)
  }
  expect(readRecords(host)).toEqual({ attachments: [fresh, full], corrupt: [] })
})

test('a record is readable text, for root only', () => {
  writeRecord(host, full)
  expect(readFileSync(pathOf('full'), 'utf8')).toMatch(/^\{\n {2}"version": 1,\n/)
  expect(statSync(pathOf('full')).mode & 0o777).toBe(0o600)
})

test('readRecord returns null if there is no record or it was removed', () => {
  expect(readRecord(host, fresh.name)).toBeNull()
  expect(readRecords(host)).toEqual({ attachments: [], corrupt: [] })
  writeRecord(host, fresh)
  expect(readRecord(host, fresh.name)).toEqual(fresh)
  removeRecord(host, fresh.name)
  removeRecord(host, fresh.name)
  expect(readRecord(host, fresh.name)).toBeNull()
})

describe('what cannot be understood is RECORD_CORRUPT, is named, and hides no other', () => {
  const json = (change: Record<string, unknown>) => JSON.stringify({ version: 1, ...full, ...change })
  const request = (change: Record<string, unknown>) => json({ request: { ...full.request, ...change } })
  test.each<[string, string]>([
    ['nothing', ''],
    ['half of it', json({}).slice(0, 200)],
    ['all but its end', json({}).slice(0, -1)],
    ['zeros, as after a power loss', '\0'.repeat(512)],
    ['another document', '[]'],
    ['null', 'null'],
    ['no version', JSON.stringify(full)],
    ['an old version', json({ version: 0 })],
    ['a field of another type', json({ fence: true })],
    ['a field too few', json({ phase: undefined })],
    ['an unknown phase', json({ phase: 'resting' })],
    ['an IQN that leaves its directory', request({ iqn: 'iqn.2003-01.org.example:../../x' })],
    ['a LUN below 0', request({ lun: -1 })],
    ['a LUN as text', request({ lun: '1' })],
    ['no portal', request({ portals: [] })],
    ['port 0', request({ portals: [{ host: '10.0.0.5', port: 0 }] })],
    ['a name that is a path', json({ name: '../x' })],
    ['a hold below 0', request({ hold: { wanted: -1, mode: 'map' } })],
    ['a hold that no clock can add', request({ hold: { wanted: 2 ** 50, mode: 'map' } })],
    ['a WWID that is none', json({ identity: { wwid: 'x', serial: null, bytes: 1 } })],
    ['a UUID that is none', json({ formatting: { fs: 'xfs', uuid: '-f /dev/sda' } })],
    ['another file system', json({ formatting: { fs: 'btrfs', uuid: full.formatting!.uuid } })],
  ])('%s', (_, text) => {
    writeRecord(host, fresh)
    writeFileSync(pathOf('full'), text)
    const { attachments, corrupt } = readRecords(host)
    expect(attachments).toEqual([fresh])
    expect(corrupt).toMatchObject([
      {
        path: pathOf('full'),
        reason: expect.stringContaining(pathOf('full')),
        error: { code: 'RECORD_CORRUPT', details: { path: pathOf('full') } },
      },
    ])
    expect(codeOf(() => readRecord(host, full.name))).toBe('RECORD_CORRUPT')
    expect(() => findRecord(host, full.name)).toThrow(corrupt[0]!.error)
  })

  test.each([
    ['no JSON', '{', /JSON/],
    ['no object', '[]', /: it is not a JSON object$/],
    ['a missing field', json({ phase: undefined }), /: the field "phase" is missing$/],
    ['a text', request({ lun: '1' }), /: the field "request.lun" is not of type number$/],
    [
      'a value',
      request({ hold: { wanted: -1, mode: 'map' } }),
      /: the field "request.hold.wanted" is not valid$/,
    ],
    ['another name', json({ name: 'other' }), /: it is the record of other$/],
  ])('the reason for %s is readable', (_, text, reason) => {
    writeRecord(host, full)
    writeFileSync(pathOf('full'), text)
    expect(() => readRecord(host, full.name)).toThrow(reason)
  })

  test.each([
    ['a newer version', json({ version: 2, request: 'of another form' }), 'its format is version 2'],
    ['an unknown field', json({ quota: 1 }), 'it has the field "quota"'],
    ['an unknown field within', request({ tpgt: 1 }), 'it has the field "request.tpgt"'],
  ])('%s is of a newer Lunkeeper, which must be used; the record stays', (_, text, why) => {
    writeRecord(host, fresh)
    writeFileSync(pathOf('full'), text)
    const { attachments, corrupt } = readRecords(host)
    expect(attachments).toEqual([fresh])
    const error = {
      code: 'RECORD_NEWER',
      message: expect.stringContaining(`${pathOf('full')} was written by a newer Lunkeeper: ${why}`),
      hint: expect.stringMatching(/Use that version .* Do not move/),
      details: { path: pathOf('full') },
    }
    expect(corrupt).toMatchObject([{ error }])
    expect(() => findRecord(host, full.name)).toThrow(expect.objectContaining(error))
  })

  test('a directory in place of a record is named, and hides no other', () => {
    writeRecord(host, fresh)
    mkdirSync(pathOf('full'))
    expect(readRecords(host)).toMatchObject({ attachments: [fresh], corrupt: [{ path: pathOf('full') }] })
  })

  test('a corrupt record is read again once it is repaired', () => {
    writeRecord(host, full)
    const text = readFileSync(pathOf('full'), 'utf8')
    writeFileSync(pathOf('full'), '')
    expect(codeOf(() => readRecord(host, full.name))).toBe('RECORD_CORRUPT')
    writeFileSync(pathOf('full'), text)
    expect(readRecord(host, full.name)).toEqual(full)
  })
})

test('files that a crash left beside the records are not records', () => {
  writeRecord(host, fresh)
  for (const name of ['.data.json.17.1', '.data.17.new', '.x.json', 'notes.txt', 'data.json.bak'])
    writeFileSync(join(dir, name), '{')
  expect(readRecords(host)).toEqual({ attachments: [fresh], corrupt: [] })
})

test('a change is seen by the next look, also one of the same length', () => {
  writeRecord(host, fresh)
  for (let turn = 0; turn < 300; turn++) {
    const phase = turn % 2 === 0 ? 'detaching' : 'attaching'
    writeRecord(host, { ...fresh, phase })
    expect(readRecord(host, fresh.name)).toMatchObject({ phase })
  }
})

describe('two attachments that request one name', () => {
  test('the second gets CONFLICT, the first keeps its record, and nothing is left', () => {
    createRecord(host, fresh)
    expect(codeOf(() => createRecord(host, { ...full, name: fresh.name }))).toBe('CONFLICT')
    expect(readRecord(host, fresh.name)).toEqual(fresh)
    expect(readdirSync(dir)).toEqual(['data.json'])
  })

  test('one of several processes that create it at once gets it', async () => {
    const source = join(import.meta.dirname, '../../../src/state/records/volumes.ts')
    const script = `
      import { createRecord } from ${JSON.stringify(source)}
      const host = { places: ${JSON.stringify(host.places)} }
      console.log('ready')
      process.stdin.once('data', () => {
        for (let turn = 0; turn < 20; turn++)
          try {
            createRecord(host, { ...${JSON.stringify(fresh)}, name: 'v' + turn, createdAt: String(process.pid) })
            console.log('made ' + turn)
          } catch (error) {
            console.log(error.code + ' ' + turn)
          }
        process.stdin.destroy()
      })`
    const creators = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '--eval', script], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    )
    const said: string[] = []
    for (const { stdout } of creators)
      stdout.setEncoding('utf8').on('data', (text: string) => said.push(...text.trim().split('\n')))
    await Promise.all(creators.map(({ stdout }) => once(stdout, 'data')))
    for (const { stdin } of creators) stdin.write('\n')
    await Promise.all(creators.map((creator) => once(creator, 'close')))
    const told = said.filter((line) => line !== 'ready').toSorted()
    expect(told.filter((line) => line.startsWith('made'))).toHaveLength(20)
    expect(told.filter((line) => line.startsWith('CONFLICT'))).toHaveLength(60)
    expect(readRecords(host).attachments).toHaveLength(20)
    expect(readdirSync(dir)).toHaveLength(20)
  })
})

test('removed records are not kept in memory, whatever removed them', () => {
  createRecord(host, fresh)
  writeRecord(host, full)
  readRecords(host)
  const before = countKept()
  removeRecord(host, fresh.name)
  rmSync(join(dir, `${full.name}.json`))
  readRecords(host)
  expect(countKept()).toBe(before - 2)
})

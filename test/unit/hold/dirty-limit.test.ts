import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { removeHoldNote, writeHoldNote } from '../../../src/state/records/hold-note.ts'
import { restoreDirtyLimit, raiseDirtyLimit } from '../../../src/volumes/holding/dirty-limit.ts'
import { readDirtyLimitNote, writeDirtyLimitNote } from '../../../src/state/records/dirty-limit-note.ts'
import type { Host } from '../../../src/host/host.ts'
import { openHost } from '../../../src/host/host.ts'
import { hostPaths } from '../../../src/host/paths.ts'
import { parseName } from '../../../src/model/name.ts'

const name = parseName('db')
let host: Host
let vm: string
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'lunkeeper-room-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  host = openHost({ paths: hostPaths(root), places: { runtime: join(root, 'run') } })
  vm = join(root, 'proc/sys/vm')
  mkdirSync(vm, { recursive: true })
  set('dirty_ratio', 20)
  set('dirty_bytes', 0)
  unwritten(10_000)
})

const set = (setting: string, value: number) => writeFileSync(join(vm, setting), `${value}\n`)
const setting = (which: string) => Number(readFileSync(join(vm, which), 'utf8'))
const unwritten = (pages: number, limit = 10_000) =>
  writeFileSync(
    join(host.paths.proc, 'vmstat'),
    `nr_free_pages 90000\nnr_inactive_file 6000\nnr_active_file 4000\nnr_dirty 5\nnr_writeback ${pages - 5}\nnr_dirty_threshold ${limit}\nnr_dirty_background_threshold 5000\n`,
  )
const holds = (ended: 'give-up' | null = null) =>
  writeHoldNote(host, name, { since: new Date().toISOString(), ended, trouble: null })

test('nothing waits: nothing is changed, however much is unwritten', () => {
  expect(raiseDirtyLimit(host)).toBeNull()
  holds('give-up')
  expect(raiseDirtyLimit(host)).toBeNull()
  expect(setting('dirty_ratio')).toBe(20)
})

test('raised while a volume waits, and put back after; what it was is noted', () => {
  holds()
  expect(raiseDirtyLimit(host)).toContain('raised to vm.dirty_ratio=30, was vm.dirty_ratio=20')
  expect(readDirtyLimitNote(host)).toEqual({ setting: 'dirty_ratio', was: 20, ours: [30] })
  unwritten(13_000, 15_000)
  raiseDirtyLimit(host)
  expect(readDirtyLimitNote(host)).toEqual({ setting: 'dirty_ratio', was: 20, ours: [30, 36] })
  expect(restoreDirtyLimit(host)).toBeNull()
  expect(setting('dirty_ratio')).toBe(36)
  removeHoldNote(host, name)
  expect(restoreDirtyLimit(host)).toContain('restored the limit of dirty pages to vm.dirty_ratio=20')
  expect(setting('dirty_ratio')).toBe(20)
  expect(readDirtyLimitNote(host)).toBeNull()
  expect(restoreDirtyLimit(host)).toBeNull()
})

test('where the kernel reports unwritten data for each volume, data of other devices does not raise the limit', () => {
  holds()
  const { proc, sys } = host.paths
  const put = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  const stuck = (kib: number) =>
    put(join(sys, 'kernel/debug/bdi/254:0/stats'), `BdiWriteback: 0 kB\nBdiReclaimable: ${kib} kB\n`)
  put(join(proc, 'meminfo'), 'Dirty: 0 kB\nWriteback: 40000 kB\n')
  put(join(sys, 'block/dm-0/dm/uuid'), 'lunkeeper-db\n')
  put(join(sys, 'block/dm-0/dm/name'), 'lunkeeper-db\n')
  put(join(sys, 'block/dm-0/dev'), '254:0\n')
  stuck(1000)
  expect(raiseDirtyLimit(host)).toBeNull()
  stuck(30_000)
  expect(raiseDirtyLimit(host)).toContain('raised to vm.dirty_ratio=25')
})

test('a limit in bytes stays one in bytes', () => {
  set('dirty_ratio', 0)
  set('dirty_bytes', 40_960_000)
  holds()
  raiseDirtyLimit(host)
  expect([setting('dirty_bytes'), setting('dirty_ratio')]).toEqual([61_440_000, 0])
})

test('killed after the note and before the change, or in between two changes: put back all the same', () => {
  writeDirtyLimitNote(host, { setting: 'dirty_ratio', was: 20, ours: [30] })
  restoreDirtyLimit(host)
  expect([setting('dirty_ratio'), readDirtyLimitNote(host)]).toEqual([20, null])
  writeDirtyLimitNote(host, { setting: 'dirty_ratio', was: 20, ours: [30, 36] })
  set('dirty_ratio', 30)
  restoreDirtyLimit(host)
  expect([setting('dirty_ratio'), readDirtyLimitNote(host)]).toEqual([20, null])
})

test('what the administrator sets meanwhile stays, and is what is gone back to', () => {
  holds()
  raiseDirtyLimit(host)
  set('dirty_ratio', 0)
  set('dirty_bytes', 81_920_000)
  unwritten(20_000, 20_000)
  raiseDirtyLimit(host)
  expect(readDirtyLimitNote(host)).toMatchObject({ setting: 'dirty_bytes', was: 81_920_000 })
  removeHoldNote(host, name)
  restoreDirtyLimit(host)
  expect([setting('dirty_bytes'), setting('dirty_ratio')]).toEqual([81_920_000, 0])
})

test('a broken note, or a kernel that reports nothing, is not an error', () => {
  writeDirtyLimitNote(host, { setting: 'dirty_ratio', was: 20, ours: [30] })
  writeFileSync(join(host.places.runtime, 'dirty-limit.json'), '{')
  expect(restoreDirtyLimit(host)).toBeNull()
  holds()
  rmSync(join(host.paths.proc, 'vmstat'))
  expect(raiseDirtyLimit(host)).toBeNull()
  expect(existsSync(join(vm, 'dirty_ratio'))).toBe(true)
})

test('a kernel that takes no other limit: said, and no note of one stays', () => {
  rmSync(join(vm, 'dirty_ratio'))
  // It contains 40, and not even root can write it.
  symlinkSync('/proc/sys/kernel/cap_last_cap', join(vm, 'dirty_ratio'))
  holds()
  expect(() => raiseDirtyLimit(host)).toThrow(/EACCES/)
  expect(readDirtyLimitNote(host)).toBeNull()
})

import { expect, test } from 'vitest'
import { readDirtyLimit } from '../../../src/host/memory/dirty-limit.ts'
import { readDirtyPages } from '../../../src/host/memory/dirty-pages.ts'
import { readVolumeDirtyData } from '../../../src/host/memory/dirty-data.ts'
import { hungTaskPanic } from '../../../src/host/read/hung-task.ts'
import { lay, nothing } from './read/tree.ts'

const meminfo =
  'MemTotal:  1000 kB\nDirty:               300 kB\nWriteback:           20 kB\nWritebackTmp: 0 kB\n'
/** Linux 6.1, mm/backing-dev.c:bdi_debug_stats_show. */
const stats =
  'BdiWriteback:               40 kB\nBdiReclaimable:             60 kB\nBdiDirtyThresh:             70 kB\n'

test('readVolumeDirtyData is the count of the device if debugfs is mounted, otherwise that of the node', () => {
  const both = { 'proc/meminfo': meminfo, 'sys/kernel/debug/bdi/254:0/stats': stats }
  expect(readVolumeDirtyData(lay(nothing, both), '254:0')).toEqual({ bytes: 100 << 10, of: 'volume' })
  expect(readVolumeDirtyData(lay(nothing, both), '254:1')).toEqual({ bytes: 320 << 10, of: 'node' })
  expect(readVolumeDirtyData(lay(nothing, { 'proc/meminfo': 'MemTotal: 1 kB\n' }), '254:0')).toBeNull()
})

test('readDirtyPages returns dirty pages, limits and spare memory', () => {
  const vmstat =
    'nr_free_pages 1000\nnr_inactive_file 30\nnr_active_file 20\nnr_dirty 5\nnr_writeback 10\nnr_dirty_threshold 200\nnr_dirty_background_threshold 100\n'
  expect(readDirtyPages(lay(nothing, { 'proc/vmstat': vmstat }))).toEqual({
    pages: 15,
    limit: 200,
    background: 100,
    spare: 1035,
  })
  expect(readDirtyPages(lay(nothing, { 'proc/vmstat': 'nr_dirty 5\n' }))).toBeNull()
  expect(readDirtyPages(lay(nothing))).toBeNull()
})

test('readDirtyLimit returns the setting that is in effect', () => {
  const limit = (ratio: string, bytes: string) =>
    readDirtyLimit(
      lay(nothing, { 'proc/sys/vm/dirty_ratio': `${ratio}\n`, 'proc/sys/vm/dirty_bytes': `${bytes}\n` }),
    )
  expect(limit('20', '0')).toEqual({ setting: 'dirty_ratio', value: 20 })
  expect(limit('0', '41943040')).toEqual({ setting: 'dirty_bytes', value: 41_943_040 })
  expect(limit('0', '0')).toBeNull()
})

test('hungTaskPanic is the timeout after which the kernel panics, or null', () => {
  const patience = (panic: string, timeout: string) =>
    hungTaskPanic(
      lay(nothing, {
        'proc/sys/kernel/hung_task_panic': `${panic}\n`,
        'proc/sys/kernel/hung_task_timeout_secs': `${timeout}\n`,
      }),
    )
  expect(patience('1', '120')).toBe(120)
  expect(patience('0', '120')).toBeNull()
  expect(patience('1', '0')).toBeNull()
  expect(hungTaskPanic(lay(nothing))).toBeNull()
})

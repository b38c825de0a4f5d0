import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import type { VolumePath } from '../../../src/agent/moved-io.ts'
import { MovedIo } from '../../../src/agent/moved-io.ts'
import { openHost } from '../../../src/host/host.ts'
import { hostPaths } from '../../../src/host/paths.ts'
import { parseName } from '../../../src/model/name.ts'
import { temporary } from '../temporary.ts'

const path = {
  record: { name: parseName('db') },
  disk: { name: 'sda', sid: 1, hctl: { lun: 5 } },
} as unknown as VolumePath

let root: string
let moved: MovedIo

interface Counters {
  readonly read?: number
  readonly written?: number
  readonly flushes?: number
  readonly reads?: number
  readonly writes?: number
  readonly sequence?: string
  readonly isCounted?: boolean
}

/** A device's counters as in sysfs; `reads` and `writes` are in flight. */
function device(name: string, counters: Counters = {}): void {
  const {
    read = 0,
    written = 0,
    flushes = 0,
    reads = 0,
    writes = 0,
    sequence = '7',
    isCounted = true,
  } = counters
  const directory = join(root, 'sys/class/block', name)
  mkdirSync(join(directory, 'queue'), { recursive: true })
  const put = (file: string, text: string) => writeFileSync(join(directory, file), `${text}\n`)
  const flight = reads + writes
  put('stat', `9 0 ${read / 512} 9 9 0 ${written / 512} 9 ${flight} 9 9 0 0 0 0 ${flushes} 9`)
  put('inflight', `${reads} ${writes}`)
  put('diskseq', sequence)
  put('queue/iostats', isCounted ? '1' : '0')
}

function holder(name: string): void {
  rmSync(join(root, 'sys/class/block/sda/holders'), { recursive: true, force: true })
  if (name !== '') mkdirSync(join(root, 'sys/class/block/sda/holders', name), { recursive: true })
}

beforeEach(() => {
  root = temporary()
  moved = new MovedIo(openHost({ paths: hostPaths(root) }))
  device('sda')
  holder('dm-3')
  device('dm-3')
})

const answered = () => moved.answered(path, moved.sample(path))

it('nothing has gone through a path whose counters stand still', () => {
  answered()
  expect(moved.since(path)).toBeNull()
})

it('what udev reads of the disk itself is not the volume’s I/O, even while it reads', () => {
  answered()
  device('sda', { read: 1 << 20, reads: 2 })
  expect(moved.since(path)).toBeNull()
})

it.for([
  ['sda', { written: 4096 }, '4096 bytes were written through sda, 0 bytes read through its map'],
  ['dm-3', { read: 8192 }, '0 bytes were written through sda, 8192 bytes read through its map'],
  ['sda', { writes: 2 }, '2 more in flight'],
  ['dm-3', { flushes: 1 }, 'its cache flushed 1×'],
] as const)('I/O of %s is said: %o', ([name, counters, expected]) => {
  answered()
  device(name, counters)
  expect(moved.since(path)).toContain(expected)
})

it('without a map, or with one that was replaced, what is read from the disk counts', () => {
  for (const name of ['', 'dm-4', 'dm-3']) {
    holder('dm-3')
    device('dm-3')
    device('sda')
    answered()
    holder(name)
    if (name !== '') device(name, { sequence: '8' })
    device('sda', { read: 512 })
    expect(moved.since(path)).toContain('512 bytes read through sda')
  }
})

it.for([
  ['a disk that has another one’s name', () => device('sda', { sequence: '8' })],
  ['a disk whose I/O is not counted', () => device('sda', { isCounted: false })],
  ['a map whose I/O is not counted', () => device('dm-3', { isCounted: false })],
  ['a disk that is gone', () => rmSync(join(root, 'sys/class/block/sda/stat'))],
] as const)('I/O may have gone anywhere: %s', ([, change]) => {
  answered()
  change()
  expect(moved.since(path)).toContain(
    'the I/O of sda was not counted, so I/O sent through sda may have reached',
  )
})

it('I/O may have gone anywhere where the volume has not answered yet, or was forgotten', () => {
  expect(moved.since(path)).toContain('has not answered there before')
  answered()
  expect(moved.since(path)).toBeNull()
  moved.retain([])
  expect(moved.since(path)).toContain('has not answered there before')
})

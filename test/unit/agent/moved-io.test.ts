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

/** A device's counters, as `/sys/block/sdX/stat` has them. */
function stat(device: string, { read = 0, written = 0, inFlight = 0 }): void {
  const directory = join(root, 'sys/class/block', device)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'stat'), `9 0 ${read / 512} 9 9 0 ${written / 512} 9 ${inFlight} 9 9\n`)
}

beforeEach(() => {
  root = temporary()
  moved = new MovedIo(openHost({ paths: hostPaths(root) }))
  stat('sda', {})
  mkdirSync(join(root, 'sys/class/block/sda/holders/dm-3'), { recursive: true })
  stat('dm-3', {})
})

const answered = () => moved.answered(path, moved.sample(path))

it('nothing has gone through a path whose counters stand still', () => {
  answered()
  expect(moved.since(path)).toBeNull()
})

it('what udev reads of the disk itself is not the volume’s I/O', () => {
  answered()
  stat('sda', { read: 1 << 20 })
  expect(moved.since(path)).toBeNull()
})

it.for([
  ['sda', { written: 4096 }, '4096 bytes were written and 0 bytes read'],
  ['dm-3', { read: 8192 }, '0 bytes were written and 8192 bytes read'],
  ['sda', { inFlight: 2 }, 'and 2 requests are on their way'],
] as const)('I/O of %s is said: %o', ([device, counters, expected]) => {
  answered()
  stat(device, counters)
  expect(moved.since(path)).toContain(expected)
})

it('without a map, what is read from the disk counts', () => {
  rmSync(join(root, 'sys/class/block/sda/holders'), { recursive: true })
  answered()
  stat('sda', { read: 512 })
  expect(moved.since(path)).toContain('512 bytes read')
})

it('a map that was replaced tells nothing: what is read from the disk counts', () => {
  answered()
  rmSync(join(root, 'sys/class/block/sda/holders'), { recursive: true })
  mkdirSync(join(root, 'sys/class/block/sda/holders/dm-4'), { recursive: true })
  stat('dm-4', {})
  stat('sda', { read: 512 })
  expect(moved.since(path)).toContain('512 bytes read')
})

it('I/O may have gone anywhere where the volume has not answered yet, or was forgotten', () => {
  expect(moved.since(path)).toContain('before the volume first answered there')
  answered()
  moved.retain([])
  expect(moved.since(path)).toContain('before the volume first answered there')
})

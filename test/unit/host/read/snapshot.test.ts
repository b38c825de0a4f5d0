import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSnapshot } from '../../../../src/host/read/snapshot.ts'
import type { Snapshot } from '../../../../src/model/snapshot.ts'
import { findUsers } from '../../../../src/host/read/users.ts'
import { lay, nothing, recorded } from './tree.ts'

const volume = { points: ['/mnt/v1'], devnos: ['8:16'], deviceNames: ['sdb'] }

test.for(['bookworm', 'trixie'])('%s: a snapshot shows everything on the node', (debian) => {
  const { sessions, disks, maps, mounts, fileSystems } = readSnapshot(lay(recorded(`${debian}-two-portals`)))
  expect(sessions.map(({ sid }) => sid)).toEqual([1, 2, 3])
  expect(disks.map(({ sid, name }) => [sid, name])).toEqual([
    [1, 'sda'],
    [2, 'sdb'],
    [2, 'sdc'],
    [3, 'sdd'],
  ])
  expect(maps.map(({ name }) => name)).toEqual(['data\\x20volume', 'mpatha'])
  expect(mounts.map(({ point }) => point)).toEqual(expect.arrayContaining(['/mnt/v1', '/mnt/xfs']))
  expect(fileSystems.map(({ device }) => device)).toEqual(['sdb', 'sda1'])
})

test('the snapshot of an empty host is empty', () => {
  expect(readSnapshot(lay(nothing))).toEqual({
    sessions: [],
    disks: [],
    maps: [],
    mounts: [],
    fileSystems: [],
  })
})

test('what vanishes or becomes unreadable meanwhile makes no error, and hides nothing else', () => {
  const tree = new Map(recorded('bookworm-in-use'))
  const host = lay(tree)
  const whole = readSnapshot(host)
  for (const path of tree.keys()) {
    const file = join(host.root, path)
    const aside = join(host.root, 'aside')
    renameSync(file, aside)
    const [, hurt] = /\/session(\d)/.exec(path) ?? []
    const unhurt = ({ disks }: Snapshot) => disks.filter(({ sid }) => String(sid) !== hurt)
    for (const rubbish of [null, '', '\0\xff rubbish\n\n', '-1\n']) {
      if (rubbish !== null) writeFileSync(file, rubbish)
      expect({ path, disks: unhurt(readSnapshot(host)) }).toEqual({ path, disks: unhurt(whole) })
      expect(findUsers(host, volume).processes.length).toBeLessThan(9)
    }
    rmSync(file, { force: true, recursive: true })
    renameSync(aside, file)
  }
  expect(readSnapshot(host)).toEqual(whole)
}, 60_000)

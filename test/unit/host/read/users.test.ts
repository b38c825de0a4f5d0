import { expect, test } from 'vitest'
import type { Usable } from '../../../../src/host/read/users.ts'
import { findUsers } from '../../../../src/host/read/users.ts'
import type { Tree } from './tree.ts'
import { lay, recorded } from './tree.ts'

const volume: Usable = { points: ['/mnt/v1', '/mnt/with space'], devnos: ['8:16'], deviceNames: ['sdb'] }
const uses = (tree: Tree, usable = volume, changes: Record<string, string | null> = {}) =>
  findUsers(lay(tree, changes), usable).processes.map(({ command, what, path }) => [command, what, path])
/** The process with such an entry. */
function pidOf(tree: Tree, entry: RegExp): string {
  const [path = ''] =
    [...tree].find(([path, what]) => path.startsWith('proc/') && entry.test(path + what)) ?? []
  return path.split('/')[1] ?? ''
}

test.for(['bookworm', 'trixie'])(
  '%s: each way to keep a volume busy is seen, and /mnt/v10 is not one of /mnt/v1',
  (debian) => {
    expect(uses(recorded(`${debian}-in-use`))).toEqual([
      ['sleep', 'cwd', '/mnt/v1/sub'],
      ['my-sleep', 'exe', '/mnt/v1/my-sleep'],
      ['sleep', 'map', '/mnt/v1/lib.so'],
      ['sleep', 'device', '/dev/sdb'],
      ['sleep', 'file', '/mnt/v1/a b (deleted)'],
      ['sleep', 'file', '/mnt/with space'],
      ['sleep', 'file', '/mnt/inner/my-sleep'],
    ])
  },
)

test.for(['bookworm', 'trixie'])(
  '%s: a namespace that keeps the volume counts, a copy that goes with ours does not',
  (debian) => {
    const { namespaces } = findUsers(lay(recorded(`${debian}-in-use`)), volume)
    expect(namespaces).toEqual([{ pid: expect.any(Number), command: 'sleep', point: '/mnt/inner' }])
    const ofXfs = findUsers(lay(recorded(`${debian}-in-use`)), {
      points: ['/mnt/xfs'],
      devnos: ['8:1'],
      deviceNames: ['sda', 'sda1'],
    })
    expect(ofXfs).toEqual({ processes: [], namespaces: [] })
  },
)

test('a mount in another namespace counts if it does not follow ours or has another place', () => {
  const tree = recorded('bookworm-in-use')
  const copy = pidOf(tree, /mountinfo = .*master:3 - ext4/)
  const table = JSON.parse(tree.get(`proc/${copy}/mountinfo`)?.slice(3) ?? '')
  const points = (text: string) => {
    const { namespaces } = findUsers(lay(tree, { [`proc/${copy}/mountinfo`]: text }), volume)
    return namespaces.filter(({ pid }) => pid === Number(copy)).map(({ point }) => point)
  }
  expect(points(table)).toEqual([])
  expect(points(table.replace('/mnt rw,relatime master:1', '/mnt rw,relatime'))).toEqual([
    '/mnt/v1',
    '/mnt/with space',
  ])
  expect(points(table.replace('/mnt rw,relatime master:1', '/mnt rw,relatime master:7'))).toEqual([
    '/mnt/v1',
    '/mnt/with space',
  ])
  expect(points(table.replace('/mnt/v1 ', '/mnt/v2 '))).toEqual(['/mnt/v2'])
  expect(points(table.replace('8:16 / /mnt/v1', '8:16 /sub /mnt/v1'))).toEqual(['/mnt/v1'])
})

test('each mount namespace is read once, however many processes it has', () => {
  const recording = recorded('bookworm-in-use')
  const tree = new Map(recording)
  const inner = pidOf(tree, /\/mnt\/inner\/my-sleep/)
  for (const [path, what] of recording)
    if (path.startsWith(`proc/${inner}/`)) tree.set(path.replace(inner, '99990'), what)
  const { processes, namespaces } = findUsers(lay(tree), volume)
  expect(namespaces.length).toBe(1)
  expect(processes.filter(({ path }) => path === '/mnt/inner/my-sleep').length).toBe(2)
})

test('this process itself does not count', () => {
  const tree = new Map(recorded('bookworm-in-use'))
  tree.set('proc/self', ` -> ${pidOf(tree, /cwd -> \/mnt\/v1\/sub/)}`)
  expect(uses(tree)).not.toContainEqual(['sleep', 'cwd', '/mnt/v1/sub'])
})

test('a process that sleeps in the kernel is not asked for its mappings', () => {
  const tree = recorded('bookworm-in-use')
  const pid = pidOf(tree, /maps = .*lib\.so/)
  const asleep = { [`proc/${pid}/task/${pid}9/stat`]: `${pid}9 (a) S (b) D 1 2 3` }
  expect(uses(tree, volume)).toContainEqual(['sleep', 'map', '/mnt/v1/lib.so'])
  expect(uses(tree, volume, asleep)).not.toContainEqual(['sleep', 'map', '/mnt/v1/lib.so'])
  expect(findUsers(lay(tree), volume, { maps: false }).processes.map(({ what }) => what)).not.toContain('map')
})

test('a mapping is known by its path, where a file system has no device of its own', () => {
  expect(
    uses(recorded('bookworm-in-use'), { points: ['/mnt/v1'], devnos: [], deviceNames: [] }),
  ).toContainEqual(['sleep', 'map', '/mnt/v1/lib.so'])
})

test('a process is a user wherever the device is mounted, also at a point that was not named', () => {
  const tree = recorded('bookworm-in-use')
  expect(uses(tree, { points: [], devnos: ['8:16'], deviceNames: [] })).toContainEqual([
    'sleep',
    'cwd',
    '/mnt/v1/sub',
  ])
})

test('a mapping is known by its device too, where its path tells nothing', () => {
  const tree = recorded('bookworm-in-use')
  expect(uses(tree, { points: [], devnos: ['8:16'], deviceNames: [] })).toContainEqual([
    'sleep',
    'map',
    '/mnt/v1/lib.so',
  ])
})

test('a process has one entry for each way of use', () => {
  const tree = new Map(recorded('bookworm-in-use'))
  const pid = pidOf(tree, /fd\/0 -> \/mnt\/v1\/a b/)
  tree.set(`proc/${pid}/fd/77`, ' -> /mnt/v1/other').set(`proc/${pid}/cwd`, ' -> /mnt/v1')
  expect(
    findUsers(lay(tree), volume)
      .processes.filter((user) => user.pid === Number(pid))
      .map(({ what }) => what),
  ).toEqual(['cwd', 'file'])
})

test('a device that is open twice is one use', () => {
  const tree = new Map(recorded('bookworm-in-use'))
  const pid = pidOf(tree, /fd\/0 -> \/dev\/sdb/)
  tree.set(`proc/${pid}/fd/77`, ' -> /dev/sdb')
  expect(findUsers(lay(tree), volume).processes.filter((user) => user.pid === Number(pid)).length).toBe(1)
})

test('a map is held by its name under /dev/mapper too', () => {
  const tree = new Map(recorded('bookworm-in-use'))
  tree.set(`proc/${pidOf(tree, /fd\/0 -> \/dev\/sdb/)}/fd/9`, ' -> /dev/mapper/data')
  expect(uses(tree, { points: [], devnos: [], deviceNames: ['dm-0', 'mapper/data'] })).toEqual([
    ['sleep', 'device', '/dev/mapper/data'],
  ])
})

test('without a device to look for, no user is found', () => {
  expect(findUsers(lay(recorded('bookworm-in-use')), { points: [], devnos: [], deviceNames: [] })).toEqual({
    processes: [],
    namespaces: [],
  })
})

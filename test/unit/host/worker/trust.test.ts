import { chmodSync, chownSync, lchownSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'

import { firstUntrusted } from '../../../../src/host/worker/trust.ts'
import { temporary } from '../../temporary.ts'

const ALICE = 1000
const isRoot = process.getuid?.() === 0

let root: string
beforeEach(() => {
  root = realpathSync(temporary())
})

function directory(path: string, mode = 0o755, uid = process.getuid!()): string {
  const at = join(root, path)
  mkdirSync(at, { recursive: true })
  chmodSync(at, mode)
  if (uid !== process.getuid!()) chownSync(at, uid, uid)
  return at
}

const link = (path: string, to: string, uid = process.getuid!()) => {
  symlinkSync(to, join(root, path))
  lchownSync(join(root, path), uid, uid)
  return join(root, path)
}

describe('firstUntrusted', () => {
  test.each(['v', 'a/v', 'a/b/c'])(
    'is null below directories of root, whether or not the path exists: %s',
    (path) => {
      directory('a')
      expect(firstUntrusted(join(root, path))).toBe(null)
    },
  )

  test.each([0o777, 0o775, 0o757])('is a directory in which other users can write: %o', (mode) => {
    const open = directory('open', mode)
    expect(firstUntrusted(join(open, 'v'))).toEqual({ directory: open, uid: process.getuid!(), mode })
    directory('open/v')
    expect(firstUntrusted(join(open, 'v'))).toMatchObject({ directory: open })
    // The directory itself may be writable: its parent decides whether it can be replaced.
    expect(firstUntrusted(open)).toBe(null)
  })

  test('is null in a directory like /tmp, where only root can rename what root creates', () => {
    const shared = directory('shared', 0o1777)
    expect(firstUntrusted(join(shared, 'v/w'))).toBe(null)
    directory('shared/v')
    expect(firstUntrusted(join(shared, 'v/w'))).toBe(null)
  })

  test.runIf(isRoot)(
    'is a directory like /tmp if the entry in it belongs to another user, even if it is a link',
    () => {
      const shared = directory('shared', 0o1777)
      directory('shared/alice', 0o755, ALICE)
      const found = { directory: shared, uid: 0, mode: 0o1777 }
      expect(firstUntrusted(join(shared, 'alice'))).toEqual(found)
      expect(firstUntrusted(link('shared/link', directory('safe'), ALICE))).toEqual(found)
    },
  )

  test.runIf(isRoot)("is a user's directory for every path below it, and for links into it", () => {
    const home = directory('home', 0o700, ALICE)
    directory('home/of/root')
    const found = { directory: home, uid: ALICE, mode: 0o700 }
    expect(firstUntrusted(join(home, 'of/root/v'))).toEqual(found)
    expect(firstUntrusted(link('link', 'home/of'))).toEqual(found)
    expect(firstUntrusted(link('up', './home/of/..'))).toEqual(found)
  })

  test('follows links of root', () => {
    directory('real/deep')
    expect(firstUntrusted(join(link('link', 'real'), 'deep/v'))).toBe(null)
    expect(() => firstUntrusted(link('loop', 'loop'))).toThrow('too many links')
  })
})

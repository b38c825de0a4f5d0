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

describe('a mount point can be exchanged by nobody but root', () => {
  test.each(['v', 'a/v', 'a/b/c'])('below directories of root, there or not: %s', (path) => {
    directory('a')
    expect(firstUntrusted(join(root, path))).toBe(null)
  })

  test.each([0o777, 0o775, 0o757])('not in a directory that others can write: %o', (mode) => {
    const open = directory('open', mode)
    expect(firstUntrusted(join(open, 'v'))).toEqual({ directory: open, uid: process.getuid!(), mode })
    directory('open/v')
    expect(firstUntrusted(join(open, 'v'))).toMatchObject({ directory: open })
    // Itself it may be anything: what is above it holds it in its place.
    expect(firstUntrusted(open)).toBe(null)
  })

  test('in a directory like /tmp: what is made there is of root, and stays', () => {
    const shared = directory('shared', 0o1777)
    expect(firstUntrusted(join(shared, 'v/w'))).toBe(null)
    directory('shared/v')
    expect(firstUntrusted(join(shared, 'v/w'))).toBe(null)
  })

  test.runIf(isRoot)("not what is another user's in a directory like /tmp, be it a link", () => {
    const shared = directory('shared', 0o1777)
    directory('shared/alice', 0o755, ALICE)
    const found = { directory: shared, uid: 0, mode: 0o1777 }
    expect(firstUntrusted(join(shared, 'alice'))).toEqual(found)
    expect(firstUntrusted(link('shared/link', directory('safe'), ALICE))).toEqual(found)
  })

  test.runIf(isRoot)("not below a user's own directory, however deep, and not through a link into it", () => {
    const home = directory('home', 0o700, ALICE)
    directory('home/of/root')
    const found = { directory: home, uid: ALICE, mode: 0o700 }
    expect(firstUntrusted(join(home, 'of/root/v'))).toEqual(found)
    expect(firstUntrusted(link('link', 'home/of'))).toEqual(found)
    expect(firstUntrusted(link('up', './home/of/..'))).toEqual(found)
  })

  test('links of root are followed to where they lead', () => {
    directory('real/deep')
    expect(firstUntrusted(join(link('link', 'real'), 'deep/v'))).toBe(null)
    expect(() => firstUntrusted(link('loop', 'loop'))).toThrow('too many links')
  })
})

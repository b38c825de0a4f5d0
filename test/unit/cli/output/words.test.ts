import { expect, test } from 'vitest'

import { formatBytes } from '../../../../src/model/bytes.ts'
import { detachText } from '../../../../src/cli/output/detached.ts'
import { formatHold } from '../../../../src/model/hold-text.ts'
import { displayOf, PLAIN } from '../../../../src/cli/output/display.ts'
import { expandCommand } from '../../../../src/cli/commands/expand.ts'
import { volume } from '../fixture-volumes.ts'

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [64 << 20, '64 MiB'],
  [1.5 * 2 ** 30, '1.5 GiB'],
  [2 ** 40 - 1, '1023 GiB'],
  [2 ** 60, '1024 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  ['forever', 'forever'],
  [0, '0s'],
  [600, '10m'],
  [5430, '1h30m30s'],
  [86_400, '1d'],
] as const)('a hold of %s is %s', (hold, text) => {
  expect(formatHold(hold)).toBe(text)
})

const coloured = (screen: object, env: NodeJS.ProcessEnv) => displayOf(screen, env).paint('red', 'x') !== 'x'

test('colours are used on terminals only, unless NO_COLOR or FORCE_COLOR is set', () => {
  expect(coloured({ isTTY: true }, { TERM: 'xterm' })).toBe(true)
  expect(coloured({ isTTY: true }, { TERM: 'dumb' })).toBe(false)
  expect(coloured({ isTTY: true }, { TERM: 'xterm', NO_COLOR: '1' })).toBe(false)
  expect(coloured({ isTTY: true }, { TERM: 'xterm', NO_COLOR: '' })).toBe(true)
  expect(coloured({}, {})).toBe(false)
  expect(coloured({}, { FORCE_COLOR: '1' })).toBe(true)
  expect(coloured({ isTTY: true }, { FORCE_COLOR: '0' })).toBe(false)
})

test('a pipe has unlimited width', () => {
  expect(displayOf({}, {}).width).toBe(Infinity)
  expect(displayOf({ isTTY: true, columns: 100 }, {}).width).toBe(100)
})

test('detach lists what it removed', () => {
  const removed = { mounts: ['/srv/db'], maps: [], disks: ['sdb', 'sdc'], sessions: [3, 4] }
  expect(detachText({ name: 'db', removed, left: [] }, PLAIN)).toMatchInlineSnapshot(`
    "db is detached; nothing is left behind
      unmounted  /srv/db
      disks      sdb, sdc
      sessions   3, 4
    "
  `)
})

test('expand prints both sizes', () => {
  const grown = { ...volume(), expanded: { from: 64 << 20, to: 96 << 20 } }
  expect(expandCommand.text(grown, PLAIN)).toBe('db grew from 64 MiB to 96 MiB.\n')
  const same = { ...volume(), expanded: { from: 64 << 20, to: 64 << 20 } }
  expect(expandCommand.text(same, PLAIN)).toBe('db has 64 MiB already; nothing to do.\n')
})
